"""Which concepts an edition of the model learns. Edition 1: every animal, plant, food and drink, and these other things."""
ALSO = """rocket;automobile;taxi;police car;ambulance;fire engine;bus;tractor;delivery truck;racing car;motorcycle;bicycle;locomotive;
bullet train;airplane;helicopter;sailboat;ship;speedboat;flying saucer;small airplane;house;house with garden;castle;japanese castle;tent;hut;
hospital;school;church;mosque;shinto shrine;ferris wheel;roller coaster;carousel horse;circus tent;mountain;mount fuji;volcano;desert island;
beach with umbrella;rainbow;sun;sun with face;crescent moon;full moon;star;glowing star;shooting star;cloud;cloud with rain;cloud with lightning;
snowflake;fire;droplet;water wave;snowman;umbrella with rain drops;tornado;comet;ringed planet;globe showing americas;fountain;statue of liberty;
tokyo tower;grinning face;face with tears of joy;smiling face with smiling eyes;smiling face with heart-eyes;smiling face with sunglasses;
winking face;face blowing a kiss;thinking face;sleeping face;crying face;loudly crying face;angry face;enraged face;face screaming in fear;
exploding head;nerd face;partying face;cowboy hat face;clown face;face with medical mask;smiling face with halo;smiling face with horns;
star-struck;zany face;melting face;cold face;alien;alien monster;robot;ghost;skull;jack-o-lantern;ogre;pile of poo;red heart;orange heart;yellow heart;
green heart;blue heart;purple heart;black heart;white heart;sparkling heart;two hearts;broken heart;heart with arrow;heart on fire;kiss mark;
christmas tree;wrapped gift;balloon;party popper;sparkles;trophy;1st place medal;soccer ball;basketball;baseball;tennis;volleyball;american football;
bowling;ping pong;boxing glove;skateboard;sled;kite;yo-yo;video game;joystick;game die;puzzle piece;teddy bear;artist palette;crown;glasses;
sunglasses;t-shirt;jeans;dress;running shoe;high-heeled shoe;backpack;handbag;top hat;ring;gem stone;guitar;violin;trumpet;saxophone;drum;
musical keyboard;microphone;headphone;musical note;telephone;mobile phone;laptop;desktop computer;television;camera;movie camera;radio;light bulb;
candle;flashlight;red paper lantern;open book;books;scroll;newspaper;envelope;pencil;fountain pen;paintbrush;crayon;scissors;key;old key;locked;hammer;
axe;wrench;screwdriver;crossed swords;bow and arrow;shield;bomb;magnet;microscope;telescope;test tube;pill;door;chair;couch and lamp;bed;toilet;
bathtub;soap;broom;basket;bucket;alarm clock;watch;hourglass done;compass;bell;anchor;magic wand;crystal ball;coin;money bag;credit card;gear;
astronaut;ninja;superhero;mage;fairy;vampire;merperson;zombie;baby;princess;prince;santa claus;cook;farmer;artist;scientist;firefighter;police officer;
detective;thumbs up;waving hand;victory hand;flexed biceps;eye;brain;tooth"""


def edition(concepts, which):
    """Indexes into concepts.json of edition 1 (curated) or 2 (everything)."""
    if which == 2:
        return list(range(len(concepts)))
    also = {w.strip() for w in ALSO.replace("\n", "").split(";")}
    return [i for i, c in enumerate(concepts) if c["group"] in (3, 4) or c["en"][0].lower() in also]
