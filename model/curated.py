"""Which concepts an edition of the model learns. Edition 0, which the program carries: those that a person is likeliest to
ask for; edition 1: what they ask for next; edition 2: every animal, plant, food and drink, and much of what people wear, use and are."""
ALSO = """rocket;automobile;taxi;police car;ambulance;fire engine;bus;tractor;delivery truck;racing car;motorcycle;bicycle;locomotive;
bullet train;airplane;helicopter;sailboat;ship;speedboat;flying saucer;small airplane;house;house with garden;castle;japanese castle;tent;hut;
hospital;school;church;mosque;shinto shrine;ferris wheel;roller coaster;carousel horse;circus tent;mountain;mount fuji;volcano;desert island;
beach with umbrella;rainbow;sun;sun with face;crescent moon;full moon;star;glowing star;shooting star;cloud;cloud with rain;cloud with lightning;
snowflake;fire;droplet;water wave;snowman;umbrella with rain drops;tornado;comet;ringed planet;globe showing americas;fountain;
tokyo tower;grinning face;face with tears of joy;smiling face with smiling eyes;smiling face with heart-eyes;smiling face with sunglasses;
winking face;face blowing a kiss;thinking face;sleeping face;crying face;loudly crying face;angry face;enraged face;face screaming in fear;
exploding head;nerd face;partying face;cowboy hat face;clown face;face with medical mask;smiling face with halo;smiling face with horns;
star-struck;zany face;melting face;cold face;alien;alien monster;robot;ghost;skull;jack-o-lantern;ogre;pile of poo;red heart;orange heart;yellow heart;
green heart;blue heart;purple heart;black heart;white heart;sparkling heart;two hearts;broken heart;heart with arrow;heart on fire;
christmas tree;wrapped gift;balloon;party popper;sparkles;trophy;1st place medal;soccer ball;basketball;baseball;tennis;volleyball;american football;
bowling;ping pong;boxing glove;skateboard;sled;kite;yo-yo;video game;joystick;game die;puzzle piece;teddy bear;artist palette;crown;glasses;
sunglasses;t-shirt;jeans;dress;running shoe;high-heeled shoe;backpack;handbag;top hat;ring;gem stone;guitar;violin;trumpet;saxophone;drum;
musical keyboard;microphone;headphone;musical note;telephone;mobile phone;laptop;desktop computer;television;camera;movie camera;radio;light bulb;
candle;flashlight;red paper lantern;open book;books;scroll;newspaper;envelope;pencil;fountain pen;paintbrush;crayon;scissors;key;old key;locked;hammer;
axe;wrench;screwdriver;crossed swords;bow and arrow;shield;bomb;magnet;microscope;telescope;test tube;pill;door;chair;couch and lamp;bed;toilet;
bathtub;soap;broom;basket;bucket;alarm clock;watch;hourglass done;compass;bell;anchor;magic wand;crystal ball;coin;money bag;credit card;gear;
astronaut;ninja;superhero;mage;fairy;vampire;merperson;zombie;baby;princess;prince;santa claus;cook;farmer;artist;scientist;firefighter;police officer;
detective;thumbs up;waving hand;victory hand;flexed biceps;eye;brain;tooth"""


MORE = """cyclone;sunrise;sunset;milky way;thermometer;sun behind small cloud;sun behind rain cloud;cloud with snow;ribbon;fireworks;sparkler;confetti ball;
wind chime;graduation cap;studio microphone;fishing pole;clapper board;bullseye;pool 8 ball;skis;person surfing;ice hockey;snow-capped mountain;camping;
classical building;desert;stadium;office building;hotel;factory;badminton;ear;nose;mouth;ok hand;clapping hands;footprints;boy;girl;man;woman;old man;old woman;
construction worker;baby angel;guard;lipstick;wedding;seat;briefcase;floppy disk;triangular ruler;notebook;closed book;megaphone;package;film projector;
battery;electric plug;magnifying glass tilted left;water pistol;printer;computer mouse;framed picture;wastebasket;dagger;world map;pen;train;minibus;
sport utility vehicle;pickup truck;kick scooter;motor scooter;canoe;satellite;police car light;shopping cart;shopping bags;ring buoy;playground slide;
hiking boot;bone;student;singer;teacher;health worker;judge;pilot;genie;billed cap;scarf;gloves;coat;socks;necktie;kimono;luggage;toolbox;brick;thread;yarn;
sponge;dna;ballet shoes;shorts;pink heart;stethoscope;parachute;maracas;flute;banjo;accordion;ladder;mirror;window;toothbrush;rock;mirror ball;lungs;bubbles;
keyboard;stopwatch;umbrella;chess pawn;balance scale;high voltage;ferry;ice skate;fuel pump;smiling face with hearts;yawning face;pleading face;
nauseated face;face with monocle;upside-down face;grinning cat;drooling face;see-no-evil monkey;flushed face;fire extinguisher;grey heart"""


NEXT = """ninja;princess;superhero;mage;fairy;merperson;santa claus;boy;girl;cook;bird;leopard;camel;kangaroo;gorilla;raccoon;sloth;otter;polar bear;
hippopotamus;rhinoceros;lobster;shrimp;squid;jellyfish;seal;ant;black cat;rooster;chipmunk;lizard;egg;popcorn;waffle;bento box;spaghetti;curry rice;
cooked rice;melon;blueberries;cucumber;garlic;butter;honey pot;pie;baguette bread;bacon;glass of milk;cocktail glass;fried shrimp;poultry leg;motorcycle;
ambulance;racing car;delivery truck;speedboat;ferris wheel;glasses;sunglasses;t-shirt;dress;jeans;running shoe;handbag;backpack;top hat;ring;violin;trumpet;
drum;musical keyboard;microphone;headphone;telephone;mobile phone;laptop;television;candle;books;pencil;scissors;hammer;bell;bomb;magnet;bed;chair;door;
couch and lamp;skateboard;kite;game die;video game;artist palette;magic wand;crossed swords;anchor;money bag;coin;gear;bouquet;potted plant;lotus;seedling;
baseball;tennis;musical note;eye;fireworks;scarf;tornado;water wave;droplet;shooting star;full moon;church;school;fountain;broken heart;clown face;
crying face;winking face;nerd face"""


CORE = """cat;dog;rabbit;tiger;lion;bear;panda;koala;fox;wolf;monkey;elephant;giraffe;zebra;horse;unicorn;cow;pig;ewe;mouse;hamster;hedgehog;bat;deer;
chicken;baby chick;penguin;owl;eagle;duck;swan;flamingo;parrot;peacock;frog;turtle;snake;crocodile;dragon;t-rex;sauropod;whale;dolphin;fish;tropical fish;
octopus;crab;shark;snail;butterfly;honeybee;lady beetle;spider;cat face;dog face;rabbit face;tiger face;
red apple;green apple;pear;tangerine;lemon;banana;watermelon;grapes;strawberry;cherries;peach;mango;pineapple;coconut;kiwi fruit;tomato;avocado;eggplant;
potato;carrot;ear of corn;hot pepper;broccoli;onion;mushroom;bread;croissant;pretzel;pancakes;cheese wedge;hamburger;french fries;pizza;hot dog;sandwich;taco;
sushi;rice ball;dumpling;steaming bowl;soft ice cream;ice cream;doughnut;cookie;birthday cake;shortcake;cupcake;chocolate bar;candy;lollipop;hot beverage;
bubble tea;beer mug;wine glass;teapot;
cherry blossom;rose;tulip;sunflower;hibiscus;cactus;palm tree;evergreen tree;deciduous tree;four leaf clover;maple leaf;
rocket;automobile;taxi;police car;fire engine;bus;tractor;bicycle;locomotive;airplane;helicopter;sailboat;ship;flying saucer;house;castle;tent;
mountain;volcano;rainbow;sun;crescent moon;star;cloud;snowflake;fire;snowman;umbrella with rain drops;ringed planet;
grinning face;face with tears of joy;smiling face with heart-eyes;smiling face with sunglasses;thinking face;sleeping face;angry face;partying face;
alien;robot;ghost;skull;jack-o-lantern;pile of poo;red heart;blue heart;yellow heart;sparkling heart;
christmas tree;wrapped gift;balloon;trophy;soccer ball;basketball;teddy bear;crown;gem stone;guitar;light bulb;key;open book;astronaut;camera;alarm clock"""


def named(words):
    return {w.strip() for w in words.replace("\n", "").split(";")}


def edition(concepts, which):
    """Indexes into concepts.json of edition 0 (the core), 1 (what comes next too), 2 (curated) or 3 (everything)."""
    if which == 3:
        return list(range(len(concepts)))
    wanted = [named(CORE), named(CORE) | named(NEXT), named(CORE) | named(NEXT) | named(ALSO) | named(MORE)][which]
    lost = wanted - {c["en"][0].lower() for c in concepts}
    assert not lost, lost
    return [i for i, c in enumerate(concepts) if c["en"][0].lower() in wanted or which == 2 and c["group"] in (3, 4)]
