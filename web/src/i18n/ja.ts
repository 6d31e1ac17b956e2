// Japanese.
import type { Messages } from "./index.svelte";
import { account } from "./ja/account";
import { common } from "./ja/common";
import { desk } from "./ja/desk";
import { draw } from "./ja/draw";
import { people } from "./ja/people";
import { post } from "./ja/post";
import { programme } from "./ja/programme";

export const ja: Messages = { ...account, ...common, ...desk, ...draw, ...people, ...post, ...programme };
