// English: the keys of what everybody reads, by area. What comes before a key's first point says its file; "one || many" chooses by n.
import { account } from "./en/account";
import { common } from "./en/common";
import { draw } from "./en/draw";
import { house } from "./en/house";
import { people } from "./en/people";
import { post } from "./en/post";

export const en = { ...account, ...common, ...draw, ...house, ...people, ...post };
