// Day, night, or as the system says. public/theme.js applies the choice before the first paint.

export type Theme = "system" | "light" | "dark";

const KEPT = "madang.theme";

export function themeNow(): Theme {
	const kept = localStorage.getItem(KEPT);
	return kept === "light" || kept === "dark" ? kept : "system";
}

export function keepTheme(theme: Theme): void {
	if (theme === "system") {
		localStorage.removeItem(KEPT);
		delete document.documentElement.dataset.theme;
	} else {
		localStorage.setItem(KEPT, theme);
		document.documentElement.dataset.theme = theme;
	}
}
