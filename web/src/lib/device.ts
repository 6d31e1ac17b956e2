// What a browser calls itself, in words a person knows. What is not recognised stays as it came.
const BROWSERS: [RegExp, string][] = [
	[/Edg(?:e|A|iOS)?\//, "Edge"],
	[/OPR\/|Opera/, "Opera"],
	[/SamsungBrowser\//, "Samsung Internet"],
	[/Whale\//, "Whale"],
	[/Firefox\/|FxiOS\//, "Firefox"],
	[/(?:Headless)?Chrome\/|CriOS\//, "Chrome"],
	[/Version\/.*Safari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
	[/iPhone|iPad/, "iOS"],
	[/Android/, "Android"],
	[/Windows/, "Windows"],
	[/Mac OS X/, "macOS"],
	[/CrOS/, "ChromeOS"],
	[/Linux/, "Linux"],
];

export function browserOf(agent: string): { browser: string; system: string } | null {
	const browser = BROWSERS.find(([pattern]) => pattern.test(agent))?.[1];
	const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1];
	return browser && system ? { browser, system } : null;
}
