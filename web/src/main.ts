import { mount } from "svelte";
import App from "./App.svelte";
import { startLanguage } from "./i18n/index.svelte";
import { startRouter } from "./lib/router.svelte";
import { startLive } from "./store/live.svelte";
import { session } from "./store/session.svelte";
import "./style/theme.css";
import "./style/base.css";

startRouter();
await Promise.all([startLanguage(), session.load()]);
startLive();
mount(App, { target: document.getElementById("app")! });
