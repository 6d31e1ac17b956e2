"""Portraits: who is drawn (people.mjs makes them), and what is said of them in three languages. A person is held in the memory as
a kind of the one thing "portrait"; the traits that a prompt says choose which (engine/lexicon.h)."""
import json

from sources import CACHE

ALONE = {"en": ["portrait", "avatar", "profile picture", "headshot", "person"], "ko": ["초상화", "인물화", "프로필 사진", "증명사진", "아바타", "인물", "사람"],
         "ja": ["似顔絵", "肖像画", "ポートレート", "アバター", "プロフィール画像", "人物画", "人物"]}
# What is said of a person: the first word is said in training's captions, all are heard.
TRAITS = {
    "woman": {"en": ["woman", "lady", "girl", "female"], "ko": ["여자", "여성", "아가씨", "소녀", "여인", "여자 아이", "여자아이"], "ja": ["女性", "女の人", "女の子", "少女"]},
    "man": {"en": ["man", "guy", "boy", "gentleman", "male"], "ko": ["남자", "남성", "아저씨", "소년", "청년", "남자 아이", "남자아이"], "ja": ["男性", "男の人", "男の子", "少年"]},
    "old woman": {"en": ["old woman", "grandmother", "grandma", "elderly woman", "old lady", "granny"], "ko": ["할머니", "나이 든 여자"], "ja": ["おばあさん", "おばあちゃん", "祖母", "老婦人"]},
    "old man": {"en": ["old man", "grandfather", "grandpa", "elderly man", "gramps"], "ko": ["할아버지", "나이 든 남자", "노인"], "ja": ["おじいさん", "おじいちゃん", "祖父", "老人"]},
    "long hair": {"en": ["long hair", "long-haired", "long"], "ko": ["긴 머리", "긴머리", "긴", "장발", "생머리"], "ja": ["長い髪", "長い", "ロングヘア", "長髪"]},
    "bob hair": {"en": ["bob", "bob hair", "bob cut"], "ko": ["단발머리", "단발"], "ja": ["ボブヘア", "ボブ"]},
    "short hair": {"en": ["short hair", "short-haired", "short"], "ko": ["짧은 머리", "짧은", "숏컷"], "ja": ["短い髪", "短い", "ショートヘア", "短髪"]},
    "curly hair": {"en": ["curly hair", "curly", "afro", "curls"], "ko": ["곱슬머리", "곱슬", "파마머리", "파마"], "ja": ["巻き毛", "くせ毛", "アフロ", "パーマ"]},
    "bun hair": {"en": ["bun", "hair bun", "hair in a bun"], "ko": ["올림머리", "똥머리"], "ja": ["お団子ヘア", "お団子"]},
    "ponytail hair": {"en": ["ponytail"], "ko": ["묶은 머리", "포니테일", "말총머리"], "ja": ["ポニーテール", "結んだ髪"]},
    "bald": {"en": ["bald", "no hair"], "ko": ["대머리", "민머리"], "ja": ["はげ頭", "スキンヘッド"]},
    "mohawk": {"en": ["mohawk"], "ko": ["모히칸 머리", "모히칸"], "ja": ["モヒカン"]},
    "black hair": {"en": ["black hair", "dark hair", "black-haired"], "ko": ["검은 머리", "검은색 머리", "흑발", "까만 머리"], "ja": ["黒髪", "黒い髪"]},
    "brown hair": {"en": ["brown hair", "brown-haired", "brunette"], "ko": ["갈색 머리"], "ja": ["茶髪", "茶色い髪"]},
    "blond hair": {"en": ["blond hair", "blonde hair", "blond", "blonde", "yellow hair", "golden hair"], "ko": ["금발 머리", "금발", "노란 머리"], "ja": ["金髪", "ブロンド"]},
    "red hair": {"en": ["red hair", "ginger hair", "redhead", "red-haired"], "ko": ["빨간 머리", "붉은 머리"], "ja": ["赤毛", "赤い髪"]},
    "gray hair": {"en": ["gray hair", "grey hair", "white hair", "silver hair"], "ko": ["흰머리", "흰 머리", "회색 머리", "백발"], "ja": ["白髪", "銀髪", "灰色の髪"]},
    "pink hair": {"en": ["pink hair"], "ko": ["분홍 머리", "분홍색 머리", "핑크 머리"], "ja": ["ピンクの髪", "ピンク髪"]},
    "blue hair": {"en": ["blue hair"], "ko": ["파란 머리", "파란색 머리"], "ja": ["青い髪", "青髪"]},
    "glasses": {"en": ["glasses", "eyeglasses", "spectacles"], "ko": ["안경"], "ja": ["眼鏡", "めがね", "メガネ"]},
    "sunglasses": {"en": ["sunglasses", "shades"], "ko": ["선글라스"], "ja": ["サングラス"]},
    "beard": {"en": ["beard", "bearded"], "ko": ["턱수염", "수염"], "ja": ["あごひげ", "ひげ", "ヒゲ", "髭"]},
    "moustache": {"en": ["moustache", "mustache"], "ko": ["콧수염"], "ja": ["口ひげ", "口髭"]},
    "hat": {"en": ["hat", "cap", "beanie"], "ko": ["모자", "비니"], "ja": ["帽子", "ニット帽"]},
    "flower": {"en": ["flower", "flowers", "flower in her hair"], "ko": ["꽃", "머리꽃"], "ja": ["花", "花飾り"]},
    "smiling": {"en": ["smiling", "smile", "happy"], "ko": ["웃는", "미소 짓는", "행복한", "미소"], "ja": ["笑顔", "笑う", "笑っている", "微笑む"]},
    "sad": {"en": ["sad", "unhappy"], "ko": ["슬픈", "우울한"], "ja": ["悲しい", "悲しそうな"]},
    "surprised": {"en": ["surprised", "shocked"], "ko": ["놀란"], "ja": ["驚いた", "びっくりした"]},
    "dark skin": {"en": ["dark skin", "dark-skinned", "brown skin"], "ko": ["어두운 피부", "검은 피부", "갈색 피부"], "ja": ["褐色の肌", "黒い肌"]},
    "light skin": {"en": ["light skin", "fair skin"], "ko": ["밝은 피부", "흰 피부"], "ja": ["白い肌", "明るい肌"]},
}
WHO = ("woman", "man", "old woman", "old man")
NAMES = {l: ALONE[l] + [w for t in WHO for w in TRAITS[t][l]] for l in ALONE}
WORN = {"en": "{}", "ko": {"glasses": "안경 쓴", "sunglasses": "선글라스 낀", "beard": "수염 난", "moustache": "콧수염 난", "hat": "모자 쓴", "flower": "꽃을 꽂은"},
        "ja": {"glasses": "眼鏡をかけた", "sunglasses": "サングラスをかけた", "beard": "ひげを生やした", "moustache": "口ひげを生やした", "hat": "帽子をかぶった", "flower": "花を飾った"}}
ARTICLE = {"beard", "moustache", "hat", "flower", "mohawk"}


def people():
    return json.load(open(f"{CACHE}/people.json"))


def said(r, traits, lang, plain):
    """A person in words: all that there is to say where plain, else some of it."""
    who, rest = traits[0], [t for t in traits[1:] if "skin" not in t and (plain or r.random() < .5)]
    word = lambda t: TRAITS[t][lang][0]
    mood = [word(t) for t in rest if t in ("smiling", "sad", "surprised")]
    hair = [t for t in rest if t.endswith(" hair") or t in ("bald", "mohawk")]
    worn = [t for t in rest if t in WORN["ko"]]
    if lang == "en":
        has = [("a " if t in ARTICLE or t == "bob hair" or t == "bun hair" or t == "ponytail hair" else "") + word(t) for t in hair + worn if t != "bald"]
        n = " ".join(mood + ["bald"] * ("bald" in hair) + [word(who)]) + (" with " + " and ".join(has) if has else "")
        return f"portrait of {'an' if n[0] in 'aeiou' else 'a'} {n}" if plain or r.random() < .5 else n
    on = [WORN[lang][t] for t in worn]
    if lang == "ko":
        n = " ".join(on + mood + [word(t) for t in hair] + [word(who)])
    else:
        n = "".join(on + [m + "の" * (m == "笑顔") for m in mood] + [word(t) + "の" for t in hair] + [word(who)])
    return f"{n} {ALONE['ko'][0]}" if lang == "ko" and (plain or r.random() < .6) else f"{n}の{ALONE['ja'][0]}" if lang == "ja" and (plain or r.random() < .6) else n
