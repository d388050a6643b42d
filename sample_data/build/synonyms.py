"""Synonyms planted in the captions: how often each concept is called by which word.

In the first table the concept's own name is the common word, in the second it is the rare one, as
with class names that hardly anybody writes in a caption ("automobile", "spectacles").
"""

_NAME_IS_COMMON = """
red apple 90: apple 9, ripe apple 1
doughnut 85: donut 15
hamburger 80: burger 18, beefburger 2
french fries 88: chips 11, fried potatoes 1
cookie 90: biscuit 10
bicycle 80: bike 18, pushbike 2
mobile phone 70: cell phone 20, smartphone 10
television 85: tv 12, telly 3
guitar 92: rock guitar 8
violin 90: fiddle 10
rabbit 88: bunny 12
dog 90: hound 9, canine 1
cat 92: tomcat 7, feline 1
pig 88: hog 11, swine 1
horse 92: steed 8
cow 90: cattle 9, bovine 1
bear 95: grizzly 5
snake 90: serpent 10
rocket 90: spaceship 9, spacecraft 1
bread 90: loaf 10
candy 80: sweets 18, bonbon 2
airplane 85: plane 13, aeroplane 2
house 90: cottage 9, dwelling 1
couch 85: sofa 14, settee 1
basket 90: hamper 10
scissors 92: shears 8
wrapped gift 60: present 38, gift box 2
crown 90: coronet 10
trophy 90: prize cup 10
backpack 85: rucksack 14, knapsack 1
flashlight 85: torch 15
soccer ball 80: football 19, leather ball 1
teddy bear 90: cuddly toy 10
key 93: latchkey 7
turtle 85: tortoise 15
crocodile 85: alligator 15
honeybee 80: bee 19, bumblebee 1
frog 92: toad 8
mouse 93: house mouse 7
whale 92: baleen whale 8
owl 93: hoot owl 7
toilet 85: lavatory 12, loo 3
window 93: pane 7
"""

_NAME_IS_RARE = """
automobile 9: car 90, motorcar 1
eggplant 12: aubergine 88
glasses 15: spectacles 80, eyeglasses 5
taxi 30: cab 70
lady beetle 9: ladybug 80, ladybird 11
ear of corn 10: corn 70, maize 20
pickup truck 10: pickup 90
motor scooter 20: scooter 80
necktie 10: tie 90
wastebasket 5: trash can 75, dustbin 20
billed cap 9: baseball cap 90, peaked cap 1
fire engine 10: fire truck 90
closed padlock 8: padlock 92
baguette bread 10: baguette 90
jack-o-lantern 10: pumpkin 90
flying saucer 10: ufo 90
magnifying glass 10: magnifier 60, loupe 30
headphone 10: headphones 80, headset 10
cheese wedge 5: cheese 95
deciduous tree 9: leafy tree 90, broadleaf tree 1
evergreen tree 15: pine tree 75, conifer 10
high-speed train 10: express train 90
hourglass 30: sandglass 70
telephone 10: landline phone 90
rescue helmet 10: helmet 90
wrench 20: spanner 80
articulated lorry 9: semi truck 90, big rig 1
poultry leg 10: drumstick 80, chicken leg 10
passenger ship 10: cruise ship 90
mantelpiece clock 10: table clock 90
liberty statue 10: lady liberty 90
"""


def _parse(table: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for line in table.strip().splitlines():
        own, others = line.split(":")
        words = [own, *others.split(",")]
        shares = {word.rsplit(maxsplit=1)[0].strip(): float(word.split()[-1]) for word in words}
        found[next(iter(shares))] = {word: share / 100 for word, share in shares.items()}
    return found


def planted() -> dict[str, dict[str, float]]:
    """Concept name -> word -> share of its occurrences, shares summing to 1."""
    return _parse(_NAME_IS_COMMON) | _parse(_NAME_IS_RARE)
