// The stand-in server and a browser for the tests of one file, from the first of them to the last: importing this is all that a
// file has to do.
import { after, before } from "node:test";
import { startMock } from "./mock.mjs";
import { demo, visit } from "./pages.mjs";
import { launch } from "./yard.mjs";

export let browser;
export let mock;

before(async () => {
	browser = await launch();
	mock = await startMock();
});
after(async () => {
	await browser?.close();
	mock?.close();
});

/** A window of the person who is signed in. */
export const dal = (options) => demo(browser, mock, options);
export const open = (page, path) => visit(page, mock, path);
