// What a person likes on this device: reminders, captions, motion. Kept in the browser; the server need not know.

const KEPT = "madang.taste";

interface Kept {
	altReminder: boolean;
	captions: boolean;
	stillness: boolean;
	large: boolean;
}

const FIRST: Kept = { altReminder: true, captions: true, stillness: false, large: false };

class Taste {
	altReminder = $state(FIRST.altReminder);
	captions = $state(FIRST.captions);
	stillness = $state(FIRST.stillness);
	large = $state(FIRST.large);

	constructor() {
		try {
			Object.assign(this, JSON.parse(localStorage.getItem(KEPT) ?? "{}"));
		} catch {
			// What cannot be read is as if it had never been kept.
		}
		this.show();
	}

	show(): void {
		document.documentElement.toggleAttribute("data-still", this.stillness);
		document.documentElement.toggleAttribute("data-large", this.large);
	}

	keep(): void {
		const { altReminder, captions, stillness, large } = this;
		localStorage.setItem(KEPT, JSON.stringify({ altReminder, captions, stillness, large }));
		this.show();
	}
}

export const taste = new Taste();
