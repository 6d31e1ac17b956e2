// The people of the portraits: who there is (traits), and how each style draws them. Writes CACHE/people.json and CACHE/people/STYLE/N.svg.
// usage: node people.mjs CACHE
import fs from 'fs'
import { createRequire } from 'module'
import { pathToFileURL } from 'url'

const cache = process.argv[2]
const require = createRequire(`${fs.realpathSync(cache)}/package.json`)
const load = name => import(pathToFileURL(require.resolve(name)))
const { createAvatar } = await load('@dicebear/core')
const sets = Object.fromEntries(await Promise.all(['lorelei', 'open-peeps', 'pixel-art'].map(async s => [s, await load(`@dicebear/${s}`)])))

const HAIR = { black: '1f1c22', brown: '6a4028', blond: 'e8c468', red: 'b9482c', gray: 'c4c4cc', pink: 'f08fb4', blue: '4c80d4' }
const SKIN = ['ffe0c4', 'f6c9a2', 'e2a878', 'b97a50', '96603e', '7a4b32']
const CLOTHES = ['e5675f', 'f5b95f', '6dbb6d', '54b7c7', '5b7fe0', '9a6fd0', 'f08fb0', '5a6270']

// What each set calls it.
const numbers = (head, s) => s.split(' ').map(n => head + n)
const LORELEI = { woman: { long: '40 21 16 15 41', bob: '23 19 17 10 13', curly: '24 18 32 35', bun: '45 46 14 26', ponytail: '33 31 42 36', short: '12 11 06 30' },
  man: { short: '47 03 02 01 08 07 04 43 22 09', curly: '39 05', long: '37 20', bald: '34', mohawk: '27' }, old: { balding: '25' } }
const PEEPS = { woman: { long: 'long longBangs mediumStraight', bob: 'bangs2 mediumBangs medium2 medium3 bangs', curly: 'longCurly longAfro afro', bun: 'bun bun2 buns', ponytail: 'mediumBangs3 cornrows2',
  short: 'medium1 short3' }, man: { short: 'short1 short2 short4 short5 pomp flatTop shaved2', curly: 'twists twists2 dreads2', long: 'dreads1', bald: 'noHair1 noHair2', mohawk: 'mohawk' },
  old: { balding: 'noHair3', short: 'grayShort', bun: 'grayBun', bob: 'grayMedium' } }
const PIXEL = { long: 'long13 long09 long07 long03 long20', bob: 'long04 long11 long16', curly: 'long15 short11', bun: 'long05', ponytail: 'long06 long19', short: 'short17 short16 short15 short10 short04 short03 short02',
  bald: 'short07', balding: 'short18', mohawk: 'short21' }

let state = 20261123
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296
const pick = list => list[Math.floor(random() * list.length)]

function person(n) {
  const old = n % 5 === 4, woman = n % 2 === 0
  const shapes = woman ? ['long', 'long', 'bob', 'curly', 'bun', 'ponytail', 'short'] : ['short', 'short', 'short', 'curly', 'long', 'bald', 'mohawk']
  const p = { woman, old, shape: old ? pick(woman ? ['bun', 'bob', 'short', 'curly'] : ['short', 'balding', 'short']) : shapes[Math.floor(n / 2) % shapes.length],
    colour: old ? 'gray' : pick(['black', 'black', 'black', 'brown', 'brown', 'blond', 'blond', 'red', 'pink', 'blue']), skin: Math.floor(random() * 6),
    clothes: pick(CLOTHES), eyes: [null, 'glasses', null, null, 'sunglasses', null, 'glasses'][Math.floor(n / 3) % 7],
    mood: ['smiling', 'smiling', 'smiling', 'sad', 'smiling', 'surprised'][Math.floor(n / 4) % 6],
    face: woman ? null : [null, 'beard', null, null, 'beard', 'moustache', null][Math.floor(n / 6) % 7], worn: null }
  if (n % 7 === 3) p.worn = 'hat'
  else if (woman && n % 6 === 2) p.worn = 'flower'
  if (p.worn === 'hat') p.shape = 'short'
  if (p.eyes === 'sunglasses' && p.old) p.eyes = 'glasses'
  return p
}

const traits = p => [p.old ? (p.woman ? 'old woman' : 'old man') : p.woman ? 'woman' : 'man', ...(p.worn === 'hat' ? [] : [p.shape === 'balding' ? 'bald' : `${p.shape} hair`].map(t => t.replace('bald hair', 'bald').replace('mohawk hair', 'mohawk'))),
  ...(p.shape === 'bald' || p.worn === 'hat' ? [] : [`${p.colour} hair`]), p.mood, ...[p.eyes, p.face, p.worn].filter(Boolean), p.skin > 3 ? 'dark skin' : 'light skin']

const COMMON = { seed: 'madang', size: 256 }
const chance = (name, value) => ({ [name]: value ? [value] : [], [`${name}Probability`]: value ? 100 : 0 })

function lorelei(p, colours) {
  if (p.worn === 'hat' || p.face === 'moustache') return null // it has none
  const who = LORELEI[p.woman ? 'woman' : 'man'], ink = colours ? null : p.colour === 'gray' || p.colour === 'blond' ? '9a9aa0' : '000000'
  const hair = colours ? HAIR[p.colour] : ink
  const v = s => 'variant' + s
  const few = { happy: ['happy01', 'happy02', 'happy03', 'happy05', 'happy06', 'happy07'], sad: ['sad03', 'sad04', 'sad05', 'sad09'], oh: ['sad01', 'sad02'] }
  return createAvatar(sets.lorelei, { ...COMMON, hair: [v(pick((LORELEI.old[p.shape] ?? who[p.shape] ?? LORELEI.man.short).split(' ')))], hairColor: [hair],
    skinColor: [colours ? SKIN[p.skin] : 'ffffff'], eyes: [v(pick('24 23 20 17 16 15 14 12 11 10 08 05'.split(' ')))], eyebrowsColor: ['000000'],
    mouth: [pick(p.mood === 'smiling' ? few.happy : p.mood === 'sad' ? few.sad : few.oh)], mouthColor: [colours && p.woman ? 'b0323c' : '000000'],
    ...chance('glasses', p.eyes && v(p.eyes === 'sunglasses' ? '02' : pick(['01', '03', '04', '05']))), ...chance('beard', p.face === 'beard' && v(pick(['01', '02']))),
    ...chance('hairAccessories', p.worn === 'flower' && 'flowers'), hairAccessoriesColor: [colours ? 'f08fb4' : ink === '000000' ? 'ffffff' : '000000'], earringsProbability: p.woman && !p.old ? 40 : 0, frecklesProbability: 0 })
}

function peeps(p) {
  const old = p.old && PEEPS.old[p.shape], who = PEEPS[p.woman ? 'woman' : 'man']
  const head = p.worn === 'hat' ? pick(['hatBeanie', 'hatHip']) : pick((old || who[p.shape] || 'short3').split(' '))
  const face = { smiling: ['smile', 'cute', 'calm', 'smileBig', 'cheeky', 'eatingHappy'], sad: ['solemn', 'concerned', 'tired'], surprised: ['awe', 'fear', 'hectic'] }[p.mood]
  const svg = createAvatar(sets['open-peeps'], { ...COMMON, head: [head], headContrastColor: [HAIR[p.colour]], skinColor: [SKIN[p.skin]], clothingColor: [p.clothes], face: [p.old && p.mood === 'smiling' ? pick(['calm', 'smile']) : pick(face)],
    ...chance('accessories', p.eyes && pick(p.eyes === 'glasses' ? ['glasses', 'glasses2', 'glasses3', 'glasses5'] : ['sunglasses', 'sunglasses2'])),
    ...chance('facialHair', p.face && pick(p.face === 'beard' ? (p.old ? ['full4'] : ['full', 'full2', 'full3']) : p.old ? ['moustache9'] : ['moustache2', 'moustache5', 'moustache7'])), maskProbability: 0 }).toString()
  // Its hair is black but for a few heads: the paths of head and beard are given the hair's colour.
  return /^(hat|gray|mohawk|noHair|bangs$)/.test(head) || p.colour === 'black' ? svg
    : svg.split(/(?=<g transform=)/).map(g => /^<g transform="(matrix\(\.99789|translate\(279 400)/.test(g) ? g.replaceAll('"#000"', `"#${HAIR[p.colour]}"`) : g).join('')
}

function pixel(p) {
  if (p.worn === 'flower') return null
  return createAvatar(sets['pixel-art'], { ...COMMON, hair: [pick(PIXEL[p.shape].split(' '))], hairColor: [HAIR[p.colour]], skinColor: [SKIN[p.skin]], clothingColor: [p.clothes], hairProbability: p.shape === 'bald' ? 0 : 100,
    ...chance('hat', p.worn === 'hat' && 'variant' + pick('01 02 03 04 05 06 07 08'.split(' '))), hatColor: [pick(CLOTHES)], mouth: [pick(numbers(p.mood === 'sad' ? 'sad' : 'happy', p.mood === 'sad' ? '03 05 06 09' : p.mood === 'surprised' ? '01 02' : '09 10 11 07 08 12'))],
    ...chance('glasses', p.eyes && (p.eyes === 'glasses' ? 'light' : 'dark') + pick(['01', '02', '05', '06', '07'])), glassesColor: [p.eyes === 'sunglasses' ? '141414' : '4b3a32'], ...chance('beard', p.face === 'beard' && 'variant' + pick('05 06 07 08'.split(' '))),
    accessoriesProbability: 0, mouthColor: [p.woman ? 'd6455a' : 'a85848'] })
}

const people = Array.from({ length: 64 }, (_, n) => person(n))
const styles = { flat: p => lorelei(p, true), cartoon: peeps, pixel, ink: p => lorelei(p, false) }
for (const [style, make] of Object.entries(styles)) {
  fs.mkdirSync(`${cache}/people/${style}`, { recursive: true })
  people.forEach((p, n) => {
    const svg = make(p)
    if (!svg) return
    fs.writeFileSync(`${cache}/people/${style}/${n}.svg`, svg.toString())
    p.styles = [...(p.styles ?? []), style]
  })
}
fs.writeFileSync(`${cache}/people.json`, JSON.stringify(people.map(p => ({ traits: traits(p), styles: p.styles }))))
