#!/usr/bin/env python3
"""Chooses the concepts and writes cache/concepts.json: the lexicon in English, Korean and Japanese.

A concept is an emoji that every picture set has and that a person would ask for: animals, food, places,
vehicles, things, faces and a few people. Left out: flags, keycaps, arrows, signs, skin tones, gendered
doubles, clock faces. Words that name more than two concepts are bad captions and are dropped.
"""
import json
import os
import re
from collections import Counter

from sources import CACHE, available

GROUPS_KEPT = {3, 4, 5, 6, 7}
PEOPLE_KEPT = {"ninja", "person in tuxedo", "superhero", "mage", "fairy", "vampire", "merperson", "genie",
               "zombie", "troll", "Santa Claus", "Mrs. Claus", "baby angel", "prince", "princess", "astronaut",
               "cook", "artist", "police officer", "detective", "guard", "construction worker", "firefighter",
               "pilot", "farmer", "scientist", "singer", "teacher", "student", "health worker", "judge",
               "baby", "boy", "girl", "man", "woman", "older person", "old man", "old woman", "brain", "tooth",
               "bone", "eye", "eyes", "ear", "nose", "mouth", "anatomical heart", "lungs", "footprints",
               "flexed biceps", "snowboarder", "person surfing", "person in lotus position",
               "waving hand", "thumbs up", "victory hand", "OK hand", "clapping hands", "folded hands"}
DROPPED = re.compile(r"o.clock|thirty|keycap|moon face|button|no littering|squared|input|japanese .*(button)"
                     r"|^(red|green|blue|orange|yellow|purple|brown|black|white) (circle|square)|flag", re.I)
DROPPED_LABELS = {"foggy", "hot springs", "bookmark tabs", "label", "yen banknote", "euro banknote",
                  "pound banknote", "open file folder", "card index dividers", "spiral calendar", "chart increasing",
                  "chart decreasing", "round pushpin", "straight ruler", "linked paperclips", "closed mailbox with lowered flag",
                  "open mailbox with lowered flag", "open mailbox with raised flag", "inbox tray", "outbox tray",
                  "incoming envelope", "envelope with arrow", "postbox", "locked with pen", "locked with key", "unlocked",
                  "page with curl", "page facing up", "bookmark", "waning gibbous moon", "waxing gibbous moon",
                  "first quarter moon", "last quarter moon", "waxing crescent moon", "waning crescent moon",
                  "mahjong red dragon", "flower playing cards", "club suit", "diamond suit", "spade suit", "heart suit",
                  "optical disk", "computer disk", "input numbers", "dim button", "bright button", "antenna bars",
                  "speaker low volume", "speaker medium volume", "muted speaker", "bell with slash"}
NEAR_DOUBLES = {  # so like another concept, or so bare, that a person would not ask for it by name
    "globe showing europe-africa", "globe showing asia-australia", "globe with meridians", "new moon", "mobile phone with arrow",
    "camera with flash", "magnifying glass tilted right", "chart increasing with yen", "bar chart", "clipboard", "ledger",
    "notebook with decorative cover", "green book", "orange book", "blue book", "memo", "card index", "card file box",
    "file cabinet", "file folder", "calendar", "fax machine", "pager", "dvd", "videocassette", "film frames", "level slider",
    "control knobs", "reminder ribbon", "military medal", "admission tickets", "e-mail", "love letter", "telephone receiver",
    "mobile phone off", "love hotel", "post office", "japanese post office", "bank", "convenience store", "department store",
    "houses", "derelict house", "building construction", "cityscape", "night with stars", "bridge at night", "foggy",
    "station", "light rail", "tram car", "railway car", "trolleybus", "mountain railway", "suspension railway",
    "mountain cableway", "aerial tramway", "oncoming automobile", "high-speed train", "metro", "vertical traffic light",
    "construction", "stop sign", "bus stop", "motorway", "railway track", "elevator", "kaaba", "airplane departure",
    "airplane arrival", "cigarette", "coffin", "funeral urn", "headstone", "placard", "identification card", "low battery",
    "hamsa", "hair pick", "nazar amulet", "barber pole", "petri dish", "ballot box with ballot", "trackball", "clamp",
    "shower", "bellhop bell", "roll of paper", "plunger", "mouse trap", "x-ray", "crutch", "white cane", "adhesive bandage",
    "drop of blood", "syringe", "briefs", "thong sandal", "one-piece swimsuit", "bikini", "diving mask", "sari", "slot machine",
    "lacrosse", "field hockey", "cricket game", "rugby football", "softball", "curling stone", "goal net", "rosette",
    "fork and knife with plate", "wood", "empty nest", "egg", "guide dog", "service dog", "poodle", "ox", "ram", "goat",
    "two-hump camel", "front-facing baby chick", "black bird", "moon viewing ceremony", "pine decoration",
    "tanabata tree", "carp streamer", "bowl with spoon", "flatbread", "tamale", "fish cake with swirl", "oden", "rice cracker",
    "pouring liquid", "leaf fluttering in wind", "sheaf of rice", "umbrella on ground", "snowman without snow", "closed umbrella",
    "hourglass not done", "timer clock", "black nib", "pick", "hammer and pick", "hammer and wrench", "link", "alembic",
    "chains", "spiral notepad", "tear-off calendar", "money with wings", "page", "paperclip", "pushpin", "nut and bolt",
    "person in tuxedo", "goblin", "moai", "map of japan", "statue of liberty", "dotted line face", "face with diagonal mouth",
    "confounded face", "persevering face", "anguished face", "downcast face with sweat", "hushed face", "relieved face",
    "sad but relieved face", "frowning face with open mouth", "anxious face with sweat", "weary face", "tired face",
    "slightly frowning face", "slightly smiling face", "grinning face with big eyes", "grinning face with smiling eyes",
    "grinning squinting face", "kissing face with smiling eyes", "kissing face with closed eyes", "kissing face",
    "squinting face with tongue", "face with tongue", "disappointed face", "worried face", "unamused face", "expressionless face",
    "frowning face", "smiling face", "grimacing face", "astonished face", "face exhaling", "face without mouth",
    "face with crossed-out eyes", "face with open mouth", "fearful face", "lying face", "face vomiting", "sneezing face",
    "face with hand over mouth", "face with open eyes and hand over mouth", "saluting face", "face with peeking eye",
    "grinning cat with smiling eyes", "cat with wry smile", "pouting cat", "weary cat", "kissing cat", "woozy face", "hot face",
    "smiling face with open hands", "face holding back tears", "smirking face", "grinning face with sweat", "skull and crossbones",
    "beating heart", "heart decoration", "heart exclamation", "revolving hearts", "heart with ribbon", "mending heart",
    "motorized wheelchair", "manual wheelchair", "safety vest", "lotion bottle", "beverage box", "ice", "falafel", "mate",
    "man s shoe", "woman s sandal", "woman s clothes", "flat shoe", "clutch bag", "purse", "running shirt", "mobile phone",
    "sake", "custard", "amphora", "barrel", "oil drum", "canned food", "cooking", "cigarettes", "no smoking", "older person",
    "performing arts", "musical score", "postal horn", "ticket", "military helmet", "rescue worker s helmet"}
KEPT_ANYWAY = {"mobile phone", "egg"}
SYMBOL_SUBGROUPS = {0: set(range(0, 15))}  # smileys: all the faces, cats, monkeys and hearts


EVERYDAY = {  # the word people type: the concept's English label
    "en": {"apple": "red apple", "car": "automobile", "plane": "airplane", "boat": "sailboat", "ship": "ship", "tree": "deciduous tree",
           "flower": "tulip", "cake": "birthday cake", "coffee": "hot beverage", "tea": "teacup without handle", "bike": "bicycle",
           "phone": "mobile phone", "burger": "hamburger", "beer": "beer mug", "wine": "wine glass", "fries": "french fries",
           "donut": "doughnut", "noodles": "steaming bowl", "ramen": "steaming bowl", "rice": "cooked rice", "corn": "ear of corn",
           "puppy": "dog face", "kitten": "cat face", "bunny": "rabbit face", "pig": "pig", "bee": "honeybee", "ladybug": "lady beetle",
           "moon": "crescent moon", "heart": "red heart", "diamond": "gem stone", "ball": "soccer ball", "football": "soccer ball",
           "tv": "television", "computer": "desktop computer", "book": "open book", "gift": "wrapped gift", "present": "wrapped gift",
           "pumpkin": "jack-o-lantern", "ufo": "flying saucer", "dinosaur": "t-rex", "smiley": "grinning face", "sword": "crossed swords",
           "castle": "castle", "clock": "alarm clock", "lamp": "light bulb", "ice cream": "ice cream", "cherry": "cherries",
           "grape": "grapes", "orange": "tangerine", "chick": "baby chick", "crab": "crab", "bag": "handbag", "shoe": "running shoe",
           "train": "locomotive", "truck": "delivery truck", "motorbike": "motorcycle", "piano": "musical keyboard", "mountain": "mountain",
           "snow": "snowflake", "rain": "cloud with rain", "thunder": "cloud with lightning", "fire truck": "fire engine",
           "mermaid": "merperson", "wizard": "mage", "elf": "fairy", "sofa": "couch and lamp", "headphones": "headphone",
           "umbrella": "umbrella with rain drops", "popsicle": "shaved ice", "mushroom": "mushroom", "poop": "pile of poo"},
    "ko": {"사과": "red apple", "자동차": "automobile", "차": "automobile", "비행기": "airplane", "배": "sailboat", "나무": "deciduous tree",
           "꽃": "tulip", "케이크": "birthday cake", "커피": "hot beverage", "자전거": "bicycle", "전화기": "telephone", "휴대폰": "mobile phone",
           "햄버거": "hamburger", "맥주": "beer mug", "와인": "wine glass", "감자튀김": "french fries", "도넛": "doughnut", "라면": "steaming bowl",
           "국수": "steaming bowl", "밥": "cooked rice", "옥수수": "ear of corn", "강아지": "dog face", "개": "dog", "고양이": "cat",
           "새끼 고양이": "cat face", "토끼": "rabbit", "돼지": "pig", "벌": "honeybee", "꿀벌": "honeybee", "무당벌레": "lady beetle",
           "달": "crescent moon", "하트": "red heart", "다이아몬드": "gem stone", "보석": "gem stone", "공": "soccer ball", "축구공": "soccer ball",
           "텔레비전": "television", "컴퓨터": "desktop computer", "책": "open book", "선물": "wrapped gift", "호박": "jack-o-lantern",
           "공룡": "t-rex", "칼": "kitchen knife", "성": "castle", "시계": "alarm clock", "전구": "light bulb", "아이스크림": "ice cream",
           "체리": "cherries", "포도": "grapes", "귤": "tangerine", "병아리": "baby chick", "게": "crab", "가방": "handbag", "신발": "running shoe",
           "기차": "locomotive", "트럭": "delivery truck", "오토바이": "motorcycle", "피아노": "musical keyboard", "산": "mountain", "눈송이": "snowflake",
           "소방차": "fire engine", "인어": "merperson", "마법사": "mage", "요정": "fairy", "소파": "couch and lamp", "헤드폰": "headphone",
           "우산": "umbrella with rain drops", "버섯": "mushroom", "호랑이": "tiger", "곰": "bear", "여우": "fox", "사자": "lion", "집": "house",
           "해": "sun", "태양": "sun", "별": "star", "물고기": "fish", "새": "bird", "말": "horse", "소": "cow", "양": "ewe", "닭": "chicken",
           "우주선": "rocket", "로켓": "rocket", "팬더": "panda", "판다": "panda", "김밥": "rice ball", "주먹밥": "rice ball", "만두": "dumpling",
           "초밥": "sushi", "빵": "bread", "딸기": "strawberry", "수박": "watermelon", "바나나": "banana", "레몬": "lemon", "복숭아": "peach",
           "당근": "carrot", "토마토": "tomato", "로봇": "robot", "유령": "ghost", "외계인": "alien", "해바라기": "sunflower", "장미": "rose",
           "벚꽃": "cherry blossom", "선인장": "cactus", "눈사람": "snowman", "풍선": "balloon", "왕관": "crown", "안경": "glasses"},
    "ja": {"りんご": "red apple", "リンゴ": "red apple", "車": "automobile", "飛行機": "airplane", "船": "sailboat", "木": "deciduous tree",
           "花": "tulip", "ケーキ": "birthday cake", "コーヒー": "hot beverage", "自転車": "bicycle", "電話": "telephone", "スマホ": "mobile phone",
           "ハンバーガー": "hamburger", "ビール": "beer mug", "ワイン": "wine glass", "ドーナツ": "doughnut", "ラーメン": "steaming bowl",
           "ご飯": "cooked rice", "とうもろこし": "ear of corn", "子犬": "dog face", "犬": "dog", "猫": "cat", "子猫": "cat face", "うさぎ": "rabbit",
           "豚": "pig", "蜂": "honeybee", "月": "crescent moon", "ハート": "red heart", "宝石": "gem stone", "ボール": "soccer ball",
           "テレビ": "television", "パソコン": "desktop computer", "本": "open book", "プレゼント": "wrapped gift", "かぼちゃ": "jack-o-lantern",
           "恐竜": "t-rex", "城": "castle", "時計": "alarm clock", "電球": "light bulb", "アイスクリーム": "ice cream", "さくらんぼ": "cherries",
           "ぶどう": "grapes", "みかん": "tangerine", "ひよこ": "baby chick", "カニ": "crab", "かばん": "handbag", "靴": "running shoe",
           "電車": "locomotive", "汽車": "locomotive", "トラック": "delivery truck", "バイク": "motorcycle", "ピアノ": "musical keyboard", "山": "mountain",
           "消防車": "fire engine", "人魚": "merperson", "魔法使い": "mage", "妖精": "fairy", "傘": "umbrella with rain drops", "きのこ": "mushroom",
           "虎": "tiger", "熊": "bear", "狐": "fox", "キツネ": "fox", "ライオン": "lion", "家": "house", "太陽": "sun", "星": "star", "魚": "fish",
           "鳥": "bird", "馬": "horse", "牛": "cow", "羊": "ewe", "鶏": "chicken", "ロケット": "rocket", "パンダ": "panda", "おにぎり": "rice ball",
           "寿司": "sushi", "パン": "bread", "いちご": "strawberry", "スイカ": "watermelon", "バナナ": "banana", "レモン": "lemon", "桃": "peach",
           "トマト": "tomato", "ロボット": "robot", "幽霊": "ghost", "宇宙人": "alien", "ひまわり": "sunflower", "バラ": "rose", "桜": "cherry blossom",
           "雪だるま": "snowman", "風船": "balloon", "王冠": "crown", "眼鏡": "glasses"},
}
COMMON_VERBS = set("sit see back point keep down under catch curve direct go make back break burst hot cold cool good bad no yes "
                   "open close closed front up left right turn run walk day night time work play eat drink love like happy sad "
                   "thing object place body face hand person people man woman life big small old new lai fail nooo natural root "
                   "direct stop wait look help fun party game sport food animal plant color high low fast slow".split())


def clean(s):
    return re.sub(r"\s+", " ", re.sub(r"[“”\"!:’()]", " ", s)).strip()


def wanted(e):
    label, group = e["label"], e.get("group")
    if label in PEOPLE_KEPT:
        return True
    if DROPPED.search(label) or label in DROPPED_LABELS or clean(label).lower() in NEAR_DOUBLES - KEPT_ANYWAY:
        return False
    if group == 0:
        return e.get("subgroup") in SYMBOL_SUBGROUPS[0]
    return group in GROUPS_KEPT


def english_names(label, taken):
    names = [label]
    for tail in (" face", " button", " suit"):
        short = label[:-len(tail)] if label.endswith(tail) else ""
        if short and short not in taken:
            names.append(short)
    if label.startswith("person "):
        names.append(label[7:])
    return names


def main():
    data = {l: {e["hexcode"]: e for e in json.load(open(f"{CACHE}/node_modules/emojibase-data/{l}/data.json"))}
            for l in ("en", "ko", "ja")}
    have = available()
    rows = []
    for code, e in data["en"].items():
        key = "-".join(p for p in code.upper().split("-") if p not in ("FE0F", "FE0E"))
        if e.get("group") in (None, 2, 9) or not wanted(e) or not all(key in s for s in have.values()):
            continue
        rows.append((key, code, e))
    labels = {clean(e["label"]).lower() for _, _, e in rows}
    tags = {l: Counter(clean(t) for _, code, _ in rows for t in set(data[l].get(code, {}).get("tags", []))) for l in data}
    everyday = {l: {w: t for w, t in EVERYDAY[l].items() if t in labels} for l in EVERYDAY}
    for l in everyday:
        lost = set(EVERYDAY[l].values()) - labels
        assert not lost, lost
    out = []
    for key, code, e in rows:
        c = {"id": key, "char": e["emoji"], "group": e["group"]}
        for l in data:
            d, english = data[l].get(code, e), clean(e["label"]).lower()
            label = clean(d["label"])
            if l == "en" and "Claus" not in label:
                label = label.lower()
            names = english_names(label, labels) if l == "en" else [label]
            for t in d.get("tags", []):
                t = clean(t)
                if 1 <= len(t) <= 24 and tags[l][t] == 1 and t not in names and not re.search(r"[0-9<>=;*]", t) \
                        and not (l == "en" and (len(t) < 3 or t.lower() in COMMON_VERBS)) and t not in labels \
                        and t not in everyday[l]:
                    names.append(t)
            mine = [w for w, target in everyday[l].items() if target == english and w not in names]
            c[l] = (names[:1] + mine + names[1:])[:5]
        out.append(c)
    out.sort(key=lambda c: c["id"])
    json.dump(out, open(f"{CACHE}/concepts.json", "w"), ensure_ascii=False, indent=0)
    print(len(out), "concepts;", Counter(c["group"] for c in out))


if __name__ == "__main__":
    main()
