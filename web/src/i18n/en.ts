// English: the keys of all catalogues, by area. What comes before a key's first point says its file; "one || many" chooses by n.
import { account } from "./en/account";
import { common } from "./en/common";
import { desk } from "./en/desk";
import { draw } from "./en/draw";
import { people } from "./en/people";
import { post } from "./en/post";
import { programme } from "./en/programme";

export const en = { ...account, ...common, ...desk, ...draw, ...people, ...post, ...programme };
