"""The words for a picture, in English, Korean and Japanese.

A picture is described by a `meta` dict: kind single|scene|pair|count|portrait, concept index (two for a pair) or a person's traits, ground colour,
tint, scene, relation, number; an edit by task restyle|background|recolour. `caption` draws one phrasing at random;
`held=True` draws from phrasings that training never sees (for evaluation).
"""
import json

from people import said
from sources import CACHE, COLOURS, STYLES

LANGS = ("en", "ko", "ja")
LANG_SHARE = (0.36, 0.32, 0.32)
COLOUR = {"en": ["white", "red", "orange", "yellow", "green", "blue", "sky blue", "purple", "pink", "brown", "gray", "black"],
          "ko": ["하얀", "빨간", "주황색", "노란", "초록색", "파란", "하늘색", "보라색", "분홍색", "갈색", "회색", "검은"],
          "ja": ["白い", "赤い", "オレンジ色の", "黄色い", "緑の", "青い", "水色の", "紫の", "ピンクの", "茶色い", "灰色の", "黒い"]}
COLOUR_ALSO = {"en": {10: ["grey"], 6: ["light blue"], 7: ["violet"]},
               "ko": {0: ["흰", "흰색"], 1: ["빨간색", "붉은"], 3: ["노란색"], 4: ["녹색", "초록"], 5: ["파란색", "푸른"], 7: ["보라"], 8: ["핑크색", "분홍"], 11: ["검정", "까만", "검은색"]},
               "ja": {0: ["白"], 1: ["赤"], 3: ["黄色の"], 4: ["緑色の"], 5: ["青"], 7: ["紫色の"], 8: ["桃色の"], 11: ["黒"]}}
STYLE = {"en": ["3D", "flat", "cartoon", "simple", "pixel art", "ink"],
         "ko": ["3D", "플랫", "만화", "심플", "픽셀 아트", "잉크"],
         "ja": ["3D", "フラット", "漫画", "シンプル", "ドット絵", "インク"]}
STYLE_ALSO = {"en": {0: ["3d", "clay"], 4: ["pixel", "8-bit"], 5: ["line art", "black and white"], 2: ["comic"]},
              "ko": {0: ["입체"], 4: ["픽셀", "도트"], 5: ["흑백", "선화"], 2: ["카툰"]},
              "ja": {0: ["立体"], 4: ["ピクセルアート"], 5: ["白黒", "線画"], 2: ["カートゥーン"]}}
SCENE = {"en": [["in a meadow", "on the grass", "in a field"], ["at the beach", "by the sea"], ["in the snow", "in winter"],
                ["at night", "under the stars"], ["in space", "in outer space"], ["under the sea", "underwater"],
                ["at sunset", "in the evening"], ["in a room", "at home"]],
         "ko": [["풀밭에 있는", "들판의"], ["바닷가에 있는", "해변의"], ["눈밭에 있는", "눈 속의"], ["밤하늘 아래의", "밤의"], ["우주에 있는", "우주의"],
                ["바닷속의", "물속에 있는"], ["노을 속의", "해 질 녘의"], ["방 안의", "방에 있는"]],
         "ja": [["草原の", "野原にいる"], ["海辺の", "ビーチの"], ["雪の中の", "雪景色の"], ["夜の", "星空の下の"], ["宇宙の", "宇宙にいる"],
                ["海の中の", "水中の"], ["夕焼けの", "夕方の"], ["部屋の", "部屋の中の"]]}
NUMBER = {"en": {2: "two", 3: "three", 4: "four"}, "ko": {2: "두", 3: "세", 4: "네"}, "ja": {2: "二つの", 3: "三つの", 4: "四つの"}}
NUMBER_ALSO = {"en": {2: ["2", "a pair of"], 3: ["3"], 4: ["4"]}, "ko": {2: ["2"], 3: ["3"], 4: ["4"]}, "ja": {2: ["2つの", "二匹の"], 3: ["3つの", "三匹の"], 4: ["4つの"]}}
COLOUR_WORDS = {"en": ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "gray", "grey", "black", "white"),
                "ko": ("빨간", "주황", "노란", "초록", "파란", "보라", "분홍", "갈색", "회색", "검은", "하얀", "하늘색", "흰"),
                "ja": ("赤", "オレンジ", "黄", "緑", "青", "紫", "ピンク", "茶", "灰", "黒", "白")}


# What people say around it. None of HELD is ever trained on.
AROUND = {"en": ["draw {}", "a picture of {}", "{} please", "draw me {}", "an image of {}", "cute {}", "paint {}", "please draw {}", "can you draw {}",
                 "could you make {}", "I want {}", "I want to see {}", "show me {}", "make {}", "make me a picture of {}", "create {}", "create an image of {}",
                 "generate {}", "give me {}", "let me see {}", "I'd like {}", "a drawing of {}", "a painting of {}", "an illustration of {}", "an icon of {}",
                 "a sticker of {}", "a photo of {}", "{}, please", "just {}", "lovely {}", "beautiful {}", "please make {}", "hello, draw {}", "{} for me",
                 "{} thanks", "{}!", "{}.", "I would love {}", "we need {}", "sketch {}", "please show me {}", "something like {}", "{} for my friend", "now {}",
                 "I saw {} on my way home today", "the weather is so nice that I think of {}", "my daughter wants {} for her birthday",
                 "we had such a good day, so draw {} to remember it", "{} that I can put on the wall", "it reminds me of {}", "my favourite thing is {}",
                 "today I feel like {}", "for the menu of our little shop, {}", "a card for my mother with {} on it", "do you know what I like? {}",
                 "when I was small we had {}", "{} is what I dreamed of last night", "let us make something fun: {}"],
          "ko": ["{} 그려줘", "{} 그림", "{} 하나", "{}를 그려 줘", "{} 그려 주세요", "귀여운 {}", "{} 그려줄래?", "{} 만들어줘", "{} 만들어 줘", "{} 만들어 주세요", "{} 보여줘",
                 "{} 보여 주세요", "{} 보고 싶어", "{} 그림 그려줘", "{} 이미지", "{} 사진", "{} 일러스트", "{} 스티커", "{} 아이콘", "나에게 {} 보여줘", "나에게 {} 그려 주세요",
                 "내게 {} 그려 줘", "{} 부탁해", "{} 부탁드립니다", "{} 주세요", "예쁘게 {} 그려줘", "멋진 {}", "사랑스러운 {}", "아름다운 {}", "안녕, {} 그려줘", "{} 좀 그려줘",
                 "빨리 {} 그려줘", "{}!", "{}.", "{}를 만들어 줘", "{}을 그려 줘", "{}을 보여 줘", "{}가 보고 싶어요", "{}의 그림",
                 "오늘 날씨가 좋아서 {}가 생각나네", "집에 오는 길에 {}를 봤어", "친구 생일에 줄 {} 그려줘", "우리 아이가 {}를 좋아해요", "어제 꿈에 {}가 나왔어",
                 "가게 메뉴판에 넣을 {}", "엄마에게 보낼 카드에 {}", "벽에 걸어 둘 {}", "오늘은 왠지 {}", "내가 제일 좋아하는 건 {}", "{}을 보니 기분이 좋아",
                 "어릴 때 보던 {}", "재미있게 {} 하나 만들어 볼까"],
          "ja": ["{}を描いて", "{}の絵", "{}を描いてください", "{}のイラスト", "{}を作って", "{}を作ってください", "{}を見せて", "{}が見たい", "{}がほしい", "{}をください", "{}お願いします",
                 "{}の画像", "{}の写真", "{}のアイコン", "{}のスタンプ", "素敵な{}", "きれいな{}", "すごい{}", "私に{}を描いて", "{}を一つ", "{}、お願い", "{}!", "{}。",
                 "こんにちは、{}を描いて", "{}を描いてほしい", "{}を作ってくれる?", "{}が見たいです", "可愛らしい{}",
                 "今日は天気がいいので{}を思い出す", "帰り道に{}を見た", "友達の誕生日に{}を描いて", "娘は{}が好きです", "昨日{}の夢を見た", "お店のメニューに{}",
                 "母に送るカードに{}", "壁に飾る{}", "今日はなんとなく{}", "一番好きなのは{}", "子供の頃の{}"]}
HELD = {"en": ["please paint {}", "I would like to see {}", "make me {} now"],
        "ko": ["{} 보여 줘", "나에게 {} 만들어 주세요", "예쁜 {}"], "ja": ["{}を見せてください", "かわいい{}", "{}を作ってほしい"]}
AROUND_EDIT = {"en": ["please {}", "{} please", "now {}", "can you {}", "{} for me", "{}."], "ko": ["이제 {}", "{} 부탁해", "{}.", "좀 {}"],
               "ja": ["{}、お願い", "{}。", "もっと{}"]}


# Words that say where and how; with those above, what is read of a prompt that is too long.
ALSO_READ = {"en": ["on", "in", "background", "and", "left", "right", "above", "below", "over", "top", "style", "left of", "right of", "to the left of", "to the right of", "picture"],
             "ko": ["배경", "배경에", "배경 위의", "왼쪽", "오른쪽", "위에", "아래에", "위에 있는", "아래에 있는", "왼쪽에 있는", "오른쪽에 있는", "스타일", "마리"] + [f"{n} 개" for n in ("두", "세", "네")] + [f"{n}{b}개" for n in "234" for b in ("", " ")],
             "ja": ["背景", "背景に", "背景の", "左", "右", "上", "下", "左にある", "右にある", "上にある", "下にある", "風", "スタイル"]}


# What people say instead of what is practised: anywhere, and between two things.
INSTEAD = {
    "below": ["under", "beneath", "underneath"], "above": ["on top of"],
    "at the beach": ["on the beach", "at the sea", "on the sea", "by the ocean", "on the ocean", "at the seaside", "on the shore"],
    "under the sea": ["in the sea", "in the ocean", "in the water", "under the water"],
    "at night": ["in the night", "by night", "at midnight", "in the night sky", "in the moonlight"],
    "at sunset": ["at dusk", "at dawn", "at sunrise"],
    "in a meadow": ["in the garden", "in a garden", "in the park", "in a park", "in the grass", "in the field", "in the meadow", "on a meadow"],
    "in the snow": ["on the snow", "in snow"], "in a room": ["in the room", "in the house", "in the living room", "in the bedroom", "in the kitchen"],
    "in space": ["in the universe", "in the galaxy"],
    "해변의": ["바닷가의", "해변에 있는", "해변에서", "바닷가에서", "바닷가에", "해변에", "모래사장의", "바다 위의"],
    "바닷속의": ["바닷속에 있는", "바다 속의", "바다 속에 있는", "바닷속에서", "물속의"],
    "눈 속의": ["눈 내리는", "눈 오는", "눈이 내리는", "눈이 오는", "눈 덮인", "눈밭의", "눈밭에서", "눈 속에 있는"],
    "밤의": ["한밤중의", "밤하늘의", "밤에", "밤하늘에", "달밤의"], "노을 속의": ["노을 지는", "노을이 지는", "석양의", "해질녘의", "저녁노을의"],
    "들판의": ["풀밭의", "풀밭에서", "들판에 있는", "들판에서", "공원의", "공원에 있는", "공원에서", "정원의", "정원에 있는", "잔디밭의", "초원의"],
    "우주의": ["우주에서", "우주 속의", "우주 공간의"], "방 안의": ["방의", "방 안에 있는", "방에서", "집 안의", "거실의", "거실에 있는"],
    "海辺の": ["ビーチにいる", "海辺にいる", "浜辺の", "砂浜の", "海の上の", "ビーチで", "海辺で", "浜辺で"], "海の中の": ["海中の", "海の中にいる", "水の中の", "海の底の"],
    "雪の中の": ["雪の降る", "雪が降る", "雪の積もった", "雪の上の", "雪の中にいる"], "夜の": ["夜空の", "夜に", "真夜中の", "夜空の下の"],
    "夕焼けの": ["夕日の", "夕暮れの", "夕方に"], "草原の": ["公園の", "公園にいる", "公園で", "庭の", "庭にいる", "野原の", "草原にいる", "芝生の"],
    "宇宙の": ["宇宙空間の", "宇宙で"], "部屋の": ["部屋にいる", "部屋で", "家の中の", "リビングの"],
}
# Two things beside one another and one above the other, as people say it; never trained on, for evaluation.
SPOKEN = {"en": (["{a} next to {b}", "{a} with {b}", "{a} chasing {b}", "{a} looking at {b}"], ["{a} on {b}", "{b} under {a}", "{a} on top of {b}"]),
          "ko": (["{a}하고 {b}", "{a}랑 {b}", "{a} 옆에 {b}", "{a}가 {b}를 보고 있다"], ["{b} 위에 {a}", "{a}가 {b} 위에 있다", "{a} 밑에 {b}"]),
          "ja": (["{a}や{b}", "{a}の隣に{b}", "{a}が{b}を見ている"], ["{b}の上に{a}", "{a}の下に{b}", "{a}が{b}の上にいる"])}
# What holds a picture and is not in it.
FRAMES = ["photo", "photograph", "camera", "frame", "framed picture", "painting", "drawing", "card", "sticker", "icon", "poster", "art", "palette",
          "사진", "그림", "카드", "스티커", "아이콘", "포스터", "액자", "일러스트", "이미지", "写真", "絵", "カード", "アイコン", "ポスター", "スタンプ", "イラスト", "画像", "額"]
BETWEEN = {
    " and ": ["next to", "beside", "near", "by", "with", "together with", "plus", "wearing", "holding", "in", "in front of", "behind"], " above ": ["on"],
    ", ": ["와", "과", "랑", "이랑", "하고", "그리고", "와 함께", "과 함께", "및", "옆의", "옆에", "옆에 있는", "하고 있는", "을 쓴", "를 쓴", "을 든", "를 든"],
    " 위에 있는 ": ["위", "위에", "위의"], " 아래에 있는 ": ["아래", "아래의", "밑", "밑에", "밑의", "밑에 있는"],
    "と": ["と", "や", "とか", "そして", "の隣の", "の隣に", "の横の", "のそばの", "を持った", "をかぶった"], "の上にある": ["の上に", "の上にいる"], "の下にある": ["の下の", "の下に", "の下にいる"],
}


def words():
    """What can be said of a concept, in every language."""
    return sorted({w for t in (COLOUR, COLOUR_ALSO, STYLE, STYLE_ALSO, SCENE, NUMBER, NUMBER_ALSO, ALSO_READ) for l in LANGS for w in leaves(t[l])})


def style_words():
    """By style, the words that ask for it."""
    return {s: sorted({w for l in LANGS for w in [STYLE[l][i], *STYLE_ALSO[l].get(i, [])]}) for i, s in enumerate(STYLES)}


def grounds():
    """What says that words ask for a ground, and what is put after them to ask for each, as `Captions.caption` has it; white goes without saying."""
    forms = {"en": ", {} background", "ko": ", {} 배경", "ja": "、{}背景"}
    return {"said": ["background", "배경", "背景"],
            "colours": [{"rgb": list(rgb), **({l: forms[l].format(COLOUR[l][i]) for l in LANGS} if i else {})} for i, (_, rgb) in enumerate(COLOURS)]}


def leaves(x):
    return [x] if isinstance(x, str) else [l for y in (x.values() if isinstance(x, dict) else x) for l in leaves(y)]


def concepts():
    return json.load(open(f"{CACHE}/concepts.json"))


def article(noun):
    return ("an " if noun[:1].lower() in "aeiou" else "a ") + noun


def plural(noun):
    if noun.endswith("s"):
        return noun
    if noun.endswith(("ch", "sh", "x")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def tintable(concept):
    """Concepts whose own name holds a colour are not asked for in another colour."""
    return not any(w in concept[l][0].split(" ") if l == "en" else w in concept[l][0] for l in LANGS for w in COLOUR_WORDS[l])


class Captions:
    def __init__(self):
        self.c = concepts()

    def name(self, r, i, lang, plain):
        names = self.c[i][lang]
        return names[0] if plain or len(names) == 1 or r.random() < .72 else names[1 + int(r.random() * (len(names) - 1))]

    @staticmethod
    def colour(r, i, lang, plain):
        also = COLOUR_ALSO[lang].get(i)
        return also[int(r.random() * len(also))] if also and not plain and r.random() < .3 else COLOUR[lang][i]

    def style(self, r, i, lang, plain):
        also = STYLE_ALSO[lang].get(i)
        return also[int(r.random() * len(also))] if also and not plain and r.random() < .3 else STYLE[lang][i]

    def thing(self, r, i, lang, tint, plain):
        n = self.name(r, i, lang, plain)
        return f"{self.colour(r, tint, lang, True)} {n}" if tint and lang != "ja" else f"{self.colour(r, tint, lang, True)}{n}" if tint else n

    def subject(self, r, m, lang, plain):
        kind = m["kind"]
        if kind == "pair":
            a, b = (self.name(r, i, lang, plain) for i in m["concepts"])
            side = m["relation"]  # 0: a left of b, 1: a above b
            u = int(r.random() * 4) if not plain else 0
            if lang == "en":
                a, b = article(a), article(b)
                forms = ([f"{a} to the left of {b}", f"{b} to the right of {a}", f"{a} and {b}", f"{a} on the left and {b} on the right"],
                         [f"{a} above {b}", f"{b} below {a}", f"{a} on top and {b} below", f"{a} over {b}"])
            elif lang == "ko":
                forms = ([f"{b} 왼쪽에 있는 {a}", f"{a} 오른쪽에 있는 {b}", f"{a}, {b}", f"왼쪽에 {a} 오른쪽에 {b}"],
                         [f"{b} 위에 있는 {a}", f"{a} 아래에 있는 {b}", f"위에 {a} 아래에 {b}", f"{b} 위의 {a}"])
            else:
                forms = ([f"{b}の左にある{a}", f"{a}の右にある{b}", f"{a}と{b}", f"左に{a}、右に{b}"],
                         [f"{b}の上にある{a}", f"{a}の下にある{b}", f"上に{a}、下に{b}", f"{b}の上の{a}"])
            return forms[side][u]
        if "traits" in m:
            n = said(r, m["traits"], lang, plain)
        else:
            n = self.thing(r, m["concepts"][0], lang, m.get("tint", 0), plain)
        if kind == "count":
            k = m["number"]
            also = NUMBER_ALSO[lang][k]
            w = also[int(r.random() * len(also))] if not plain and r.random() < .3 else NUMBER[lang][k]
            unit = ("개", "마리")[int(r.random() * 2)] if lang == "ko" and not plain else "개"
            return {"en": f"{w} {plural(n)}", "ko": f"{n} {w} {unit}", "ja": f"{w}{n}"}[lang]
        if lang == "en" and (plain or r.random() < .7):
            n = article(n)
        if kind == "scene":
            where = SCENE[lang][m["scene"]]
            w = where[0 if plain else int(r.random() * len(where))]
            return {"en": f"{n} {w}", "ko": f"{w} {n}", "ja": f"{w}{n}"}[lang]
        return n

    def caption(self, r, m, lang=None, say_style=False, plain=False, held=False):
        """One phrasing of picture m. r: a random.Random. plain: the canonical one."""
        if lang is None:
            u = r.random()
            lang = "en" if u < LANG_SHARE[0] else "ko" if u < LANG_SHARE[0] + LANG_SHARE[1] else "ja"
        s, bg = self.subject(r, m, lang, plain), m.get("bg", 0)
        if bg or (m["kind"] != "scene" and not plain and r.random() < .08):
            c = self.colour(r, bg, lang, plain)
            if lang == "en":
                forms = [f"{s} on {article(c)} background", f"{s}, {c} background", f"{c} background, {s}"]
            elif lang == "ko":
                forms = [f"{c} 배경 위의 {s}", f"{c} 배경에 {s}", f"{s}, {c} 배경"]
            else:
                forms = [f"{c}背景に{s}", f"{c}背景の{s}", f"{s}、{c}背景"]
            s = forms[0 if plain else int(r.random() * 3)]
        if say_style:
            t = self.style(r, m["style"], lang, plain)
            if lang == "en":
                forms = [f"{s}, {t} style", f"{t} {s}", f"{s} in {t} style", f"{s}, {t}"]
            elif lang == "ko":
                forms = [f"{s}, {t} 스타일", f"{t} 스타일의 {s}", f"{s} {t}", f"{t} {s}"]
            else:
                forms = [f"{s}、{t}風", f"{t}スタイルの{s}", f"{t}の{s}", f"{s} {t}"]
            s = forms[0 if plain else int(r.random() * 4)]
        around = HELD if held else AROUND if not plain and r.random() < .45 else None
        if around:
            s = around[lang][int(r.random() * len(around[lang]))].format(s)
        return s

    def spoken(self, r, m, lang):
        """A pair or a scene in words that nobody has practised."""
        names = [article(n) if lang == "en" else n for n in (self.name(r, i, lang, True) for i in m["concepts"])]
        if m["kind"] == "pair":
            return r.choice(SPOKEN[lang][m["relation"]]).format(a=names[0], b=names[1])
        where = r.choice([w for said, also in INSTEAD.items() if said in SCENE[lang][m["scene"]] for w in also])
        return {"en": "{1} {0}", "ko": "{0} {1}", "ja": "{0}{1}"}[lang].format(where, names[0])

    def edit(self, r, m, lang=None, plain=False):
        """The instruction of an edit: m has task, style/bg/tint of the target, perhaps `source` (which picture it is) and `said`."""
        if lang is None:
            u = r.random()
            lang = "en" if u < LANG_SHARE[0] else "ko" if u < LANG_SHARE[0] + LANG_SHARE[1] else "ja"
        s = self.instruction(r, m, lang, plain)
        if m.get("said"):  # what its source was asked for goes before, as the server has it of pictures made here
            s = f"{m['said']}, {s}" if s else m["said"]
        return r.choice(AROUND_EDIT[lang]).format(s) if s and not plain and r.random() < .25 else s

    def instruction(self, r, m, lang, plain):
        k = 0 if plain else int(r.random() * 3)
        if m["task"] == "restyle":
            if not plain and r.random() < .4:
                return ""
            t = self.style(r, m["style"], lang, plain)
            if m.get("source") and (plain or r.random() < .2):  # the thing is named: easier than to recognise it
                n = self.name(r, m["source"]["concepts"][0], lang, plain)
                return {"en": [f"the {n} in {t} style", f"make the {n} {t}", f"{n}, {t} style"],
                        "ko": [f"{n} {t} 스타일로", f"{n} {t}로 바꿔줘", f"{t} 스타일 {n}"],
                        "ja": [f"{n}を{t}風に", f"{n}を{t}にして", f"{t}スタイルの{n}"]}[lang][k]
            return {"en": [f"in {t} style", f"make it {t}", f"{t} style"], "ko": [f"{t} 스타일로", f"{t}로 바꿔줘", f"{t} 스타일"],
                    "ja": [f"{t}風に", f"{t}にして", f"{t}スタイル"]}[lang][k]
        if m["task"] == "background":
            c = self.colour(r, m["bg"], lang, plain)
            return {"en": [f"{c} background", f"change the background to {c}", f"make the background {c}"],
                    "ko": [f"{c} 배경", f"{c} 배경으로 바꿔줘", f"배경을 {c} 색으로"],
                    "ja": [f"{c}背景", f"背景を{c}色に", f"{c}背景にして"]}[lang][k]
        c = self.colour(r, m["tint"], lang, True)
        return {"en": [f"make it {c}", f"paint it {c}", f"in {c}"], "ko": [f"{c} 색으로 칠해줘", f"{c} 색으로", f"{c} 색으로 바꿔줘"],
                "ja": [f"{c}色にして", f"{c}色に塗って", f"{c}色で"]}[lang][k]
