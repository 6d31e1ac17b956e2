// Blurhash to pixels (the format of Wolt's blurhash): the blurred picture shown until the real one has come.

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

function number(text: string): number {
	let value = 0;
	for (const letter of text) value = value * 83 + DIGITS.indexOf(letter);
	return value;
}

function linear(value: number): number {
	const v = value / 255;
	return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
}

function display(value: number): number {
	const v = Math.min(1, Math.max(0, value));
	return Math.round((v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055) * 255);
}

function signedSquare(value: number): number {
	return Math.sign(value) * value * value;
}

export function decode(hash: string, width: number, height: number): ImageData | null {
	if (hash.length < 6) return null;
	const size = number(hash[0]!);
	const columns = (size % 9) + 1;
	const rows = Math.floor(size / 9) + 1;
	if (hash.length !== 4 + 2 * columns * rows) return null;
	const largest = (number(hash[1]!) + 1) / 166;
	const colours: [number, number, number][] = [];
	for (let i = 0; i < columns * rows; i++) {
		if (i === 0) {
			const v = number(hash.slice(2, 6));
			colours.push([linear(v >> 16), linear((v >> 8) & 255), linear(v & 255)]);
		} else {
			const v = number(hash.slice(4 + i * 2, 6 + i * 2));
			const part = (x: number) => signedSquare((x - 9) / 9) * largest;
			colours.push([part(Math.floor(v / 361)), part(Math.floor(v / 19) % 19), part(v % 19)]);
		}
	}
	const image = new ImageData(width, height);
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			let red = 0;
			let green = 0;
			let blue = 0;
			for (let j = 0; j < rows; j++) {
				for (let i = 0; i < columns; i++) {
					const basis = Math.cos((Math.PI * x * i) / width) * Math.cos((Math.PI * y * j) / height);
					const colour = colours[i + j * columns]!;
					red += colour[0] * basis;
					green += colour[1] * basis;
					blue += colour[2] * basis;
				}
			}
			image.data.set([display(red), display(green), display(blue), 255], 4 * (x + y * width));
		}
	}
	return image;
}
