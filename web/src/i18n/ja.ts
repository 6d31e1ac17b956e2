// Japanese.
import type { Messages } from "./index.svelte";
import { account } from "./ja/account";
import { common } from "./ja/common";
import { draw } from "./ja/draw";
import { house } from "./ja/house";
import { people } from "./ja/people";
import { post } from "./ja/post";

export const ja: Messages = { ...account, ...common, ...draw, ...house, ...people, ...post };
