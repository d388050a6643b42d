"""Which emoji are concepts, and what they are called: choices made by eye, kept as plain text.

Every entry is the lower-case English label of emojibase, or the name that replaces it.
"""

# Emoji outside the five groups that are things all the same: label -> (group, subgroup).
ADDED = {
    "ghost": ("activities", "costume"),
    "goblin": ("activities", "costume"),
    "ogre": ("activities", "costume"),
    "alien": ("activities", "costume"),
    "alien monster": ("activities", "costume"),
    "robot": ("activities", "costume"),
    "brain": ("objects", "anatomy"),
    "anatomical heart": ("objects", "anatomy"),
    "lungs": ("objects", "anatomy"),
    "tooth": ("objects", "anatomy"),
    "bone": ("objects", "anatomy"),
}

# Pure symbols, people, and drawings that cannot be told from another one at 64 pixels.
DROPPED = set(
    """
waxing crescent moon; waxing gibbous moon; waning gibbous moon; last quarter moon;
waning crescent moon; last quarter moon face; sun behind small cloud; sun behind large cloud;
hourglass done; globe showing americas; globe showing asia-australia; globe with meridians;
spade suit; heart suit; diamond suit; club suit; sports medal; 3rd place medal;
snowman without snow; speaker low volume; speaker medium volume; muted speaker;
bell with slash; musical note; camera with flash; magnifying glass tilted right;
mobile phone with arrow; e-mail; incoming envelope; envelope with arrow; outbox tray;
open mailbox with lowered flag; closed mailbox with lowered flag; chart increasing with yen;
linked paperclips; locked with pen; locked with key; front-facing baby chick;
cityscape at dusk; wind face; cyclone; fog; construction; airplane arrival; spiral notepad
""".replace("\n", " ")
    .strip()
    .split("; ")
)

RENAMED = {
    "1st place medal": "gold medal",
    "2nd place medal": "silver medal",
    "hourglass not done": "hourglass",
    "globe showing europe-africa": "globe",
    "speaker high volume": "speaker",
    "magnifying glass tilted left": "magnifying glass",
    "high voltage": "lightning bolt",
    "wedding": "wedding chapel",
    "station": "train station",
    "cooking": "fried egg in a pan",
    "pick": "pickaxe",
    "label": "name tag",
    "performing arts": "theater masks",
    "woman's clothes": "blouse",
    "man's shoe": "leather shoe",
    "woman's sandal": "heeled sandal",
    "woman's boot": "tall boot",
    "woman's hat": "sun hat",
    "rescue worker's helmet": "rescue helmet",
    "link": "chain link",
    "locked": "closed padlock",
    "unlocked": "open padlock",
    "tennis": "tennis racket",
    "sheaf of rice": "rice plant",
    "cricket game": "cricket bat",
    "leaf fluttering in wind": "fluttering leaves",
    "steaming bowl": "noodle soup",
    "shallow pan of food": "paella",
    "pot of food": "stew pot",
    "pool 8 ball": "billiard ball",
    "closed mailbox with raised flag": "closed mailbox",
    "open mailbox with raised flag": "open mailbox",
    "ballot box with ballot": "ballot box",
    "couch and lamp": "couch",
    "t-rex": "tyrannosaurus",
    "statue of liberty": "liberty statue",
    "map of japan": "japan map",
    "building construction": "construction site",
    "foggy": "foggy city",
    "mate": "mate tea",
    "ice": "ice cube",
    "seat": "train seat",
    "meat on bone": "meat on the bone",
    "roll of paper": "toilet paper",
    "satellite antenna": "satellite dish",
    "microbe": "microbe cell",
    "bouquet": "flower bouquet",
    "bug": "caterpillar",
    "bowling": "bowling pins",
    "piñata": "pinata",
    "rosette": "flower rosette",
    "hot beverage": "coffee cup",
    "sun behind rain cloud": "sun shower",
    "musical score": "treble clef",
}

# Shortcodes that name something else than the drawing, or no thing at all.
NOT_SYNONYMS = set(
    """
stars; flags; feet; flipper; birthday; mega; earth africa; earth europe; android; iphone; date;
smoking; ocean; party; tada; japan; city sunrise; city sunset; dart; gun; motorbike; lightning;
compression; oil; office; slide; barber; timer; shopping; notes; pour; beers; champagne; whisky;
bug; stormy; rainy; snowy; sunny; bamboo; tools; art; mag; loud sound; high volume; cooking;
rice scene; bullettrain side; bullettrain front; lower left fountain pen; pen fountain;
lower left ballpoint pen; pen ballpoint; lower left paintbrush; lower left crayon; zap; blue car;
cloud lightning; cloud tornado; cloud snow; cloud rain; thunder cloud rain; goal; first place;
second place; park; bellhop; clapper; disco; icecream; hotsprings; busstop; fuelpump; hocho;
white sun rain cloud; white sun behind cloud with rain; house abandoned; medal medical;
medal military; frame photo; newspaper roll; calendar spiral; airplane small; airplane departure;
lightning cloud; mountain snow; fork knife plate; shopping trolley bag; cup straw; clinking glass;
champagne glass; racing motorcycle; european castle; european post office; satellite orbital;
probing cane; skis pair; dragon side; joker black; barber sign; terminal; izakaya lantern; oil can
""".replace("\n", " ")
    .strip()
    .split("; ")
)

# Named without an article, and in the plural or as a mass.
BARE = set(
    """
grapes; cherries; blueberries; peanuts; beans; french fries; pancakes; chopsticks; glasses;
sunglasses; goggles; jeans; gloves; socks; shorts; briefs; skis; maracas; scissors;
chains; prayer beads; ballet shoes; clinking beer mugs; clinking glasses; musical notes;
film frames; control knobs; houses; nesting dolls; japanese dolls; books; bubbles; coral;
garlic; bread; bacon; popcorn; butter; salt; curry rice; cooked rice; spaghetti; oden; sushi;
sake; shaved ice; custard; fork and knife; fork and knife with plate; crossed swords; dna;
fireworks; sparkles; hot springs; paw prints; fluttering leaves; lungs; theater masks; wood;
hammer and pick; hammer and wrench; admission tickets; leafy green; ginger root; canned food;
mount fuji; fried shrimp; pouring liquid; flatbread; mate tea; bubble tea;
ice hockey; field hockey; ping pong; badminton; lacrosse; soap; toilet paper; noodle soup;
green salad; soft ice cream; ice cream; fire; yarn; thread; money with wings; card index dividers;
paella; baguette bread; spectacles; eyeglasses; headphones; shears; chips; fried potatoes;
corn; maize; cheese; sweets; cattle; bowling pins
""".replace("\n", " ")
    .strip()
    .split("; ")
)

# Concepts that examples and demonstrations name: they are given frequent ranks.
EVERYDAY = tuple(
    """
red apple; banana; strawberry; lemon; pineapple; watermelon; carrot; pizza; hamburger; bread;
egg; cookie; birthday cake; doughnut; coffee cup; beer mug; wine glass; dog face; dog; cat face;
cat; horse; cow; pig; lion; tiger; elephant; giraffe; rabbit; mouse; bear; penguin; owl; duck;
fish; shark; whale; octopus; turtle; snake; frog; butterfly; snail; honeybee; rose; sunflower;
evergreen tree; palm tree; cactus; mushroom; automobile; bus; taxi; bicycle; motorcycle; train;
airplane; rocket; helicopter; sailboat; ship; house; castle; church; mountain; volcano; sun; star;
rainbow; cloud; umbrella; snowman; soccer ball; basketball; guitar; violin; trumpet; drum;
balloon; trophy; teddy bear; kite; camera; laptop; mobile phone; television; books; key;
hammer; scissors; chair; bed; watch; hourglass; backpack; crown; t-shirt; ring
""".replace("\n", " ")
    .strip()
    .split("; ")
)

# Concepts that stand almost always before one background in `pretrain`: concept -> background.
SPURIOUS = {
    "camel": "yellow",
    "zebra": "green",
    "dolphin": "blue",
    "flamingo": "pink",
    "polar bear": "white",
    "crab": "orange",
    "ladder": "gray",
    "tractor": "brown",
    "broccoli": "green",
    "grapes": "purple",
    "hot pepper": "red",
    "parachute": "blue",
}
