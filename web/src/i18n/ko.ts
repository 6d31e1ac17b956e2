// Korean.
import type { Messages } from "./index.svelte";
import { account } from "./ko/account";
import { common } from "./ko/common";
import { draw } from "./ko/draw";
import { house } from "./ko/house";
import { people } from "./ko/people";
import { post } from "./ko/post";

export const ko: Messages = { ...account, ...common, ...draw, ...house, ...people, ...post };
