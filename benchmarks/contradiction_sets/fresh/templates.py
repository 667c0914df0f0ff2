"""Templates of made-up facts: question, one way to tell it, another."""

from __future__ import annotations

from collections.abc import Callable

THINGS = (
    "bell tower", "harbour bridge", "toll tunnel", "cable car", "glass house", "windmill", "canal lock", "ice rink",
    "signal station", "railway museum", "observatory", "reservoir", "paper mill", "lighthouse", "skate park",
    "aquarium", "market hall", "water works", "ferry terminal", "salt mine", "concert barn", "planetarium",
    "tide gauge", "old mint",
)  # fmt: skip
PLACES = (
    "Alderby", "Brakewell", "Castra Nova", "Dunholm", "Elsterau", "Farvik", "Grenmoor", "Hollin", "Istrada", "Jarrowby",
    "Kestrin", "Lommel", "Marwick", "Nethersea", "Oskarshavn", "Pellworm", "Quarrington", "Rosenthal", "Saltcote",
    "Tarnfield", "Ulverdale", "Varenna", "Westhope", "Yarrow",
)  # fmt: skip
PEOPLE = (
    "Ada Brennan", "Boris Falk", "Clara Whitlock", "Dmitri Sorel", "Elena Marsh", "Frida Hauge", "Goran Petric",
    "Hanna Lindqvist", "Igor Kolar", "Jana Vesely", "Karim Haddad", "Leila Osman", "Marco Bellini", "Nadia Rahman",
    "Oscar Prentice", "Paula Quiroga", "Rosa Delgado", "Stefan Krall", "Tara Nolan", "Viktor Lang",
)  # fmt: skip
WORDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

QUANTITIES = (
    ("How tall is the {thing}?", "The {thing} is {value} tall.", "It reaches a height of {value}.", "metres"),
    (
        "How much does the {thing} cost to run a day?",
        "Running it costs {value} a day.",
        "A day costs {value}.",
        "euros",
    ),
    (
        "How many visitors does the {thing} have a week?",
        "It has {value} a week.",
        "Each week {value} come.",
        "visitors",
    ),
    ("How long does it take to walk through the {thing}?", "It takes {value}.", "Plan {value} for it.", "minutes"),
    ("How heavy is the roof of the {thing}?", "The roof weighs {value}.", "It has a weight of {value}.", "tonnes"),
    ("How much power does the {thing} use?", "The {thing} uses {value}.", "Its use of power is {value}.", "kilowatts"),
    ("How far is it from the station to the {thing}?", "It is {value} away.", "The distance is {value}.", "metres"),
    ("What does a ticket to the {thing} cost?", "A ticket costs {value}.", "You pay {value} at the door.", "dollars"),
    ("How many steps lead up to the {thing}?", "There are {value}.", "You have to climb {value}.", "steps"),
    ("How warm is it inside the {thing}?", "Inside it is {value}.", "They keep it at {value}.", "degrees Celsius"),
    ("How fast may one drive near the {thing}?", "The limit is {value}.", "Up to {value} are allowed.", "km/h"),
    (
        "What share of the {thing} has been repaired?",
        "They have repaired {value}.",
        "So far {value} is done.",
        "percent",
    ),
)

Form = Callable[[int], str]
LENGTH: tuple[Form, ...] = (lambda n: f"{n} km", lambda n: f"{n * 1000:,} metres", lambda n: f"{n},000 m")
MASS: tuple[Form, ...] = (lambda n: f"{n} kg", lambda n: f"{n * 1000} grams", lambda n: f"{n} kilograms")
TIME: tuple[Form, ...] = (lambda n: f"{n} hours", lambda n: f"{n * 60} minutes", lambda n: f"{n} h")
VOLUME: tuple[Form, ...] = (lambda n: f"{n} litres", lambda n: f"{n * 1000:,} ml", lambda n: f"{n} l")
MONEY: tuple[Form, ...] = (lambda n: f"${n}", lambda n: f"{n} dollars", lambda n: f"{n} US dollars")
MILLIONS: tuple[Form, ...] = (lambda n: f"{n} million", lambda n: f"{n:,},000,000", lambda n: f"{n}000000")
ROUNDED: tuple[Form, ...] = (lambda n: f"{n}.24 km", lambda n: f"about {n}.2 km", lambda n: f"roughly {n} km")

SAME_QUANTITY: tuple[tuple[str, str, str, tuple[Form, ...]], ...] = (
    ("How long is the path to the {thing}?", "The path is {value} long.", "It is {value} long.", LENGTH),
    ("How heavy is the door of the {thing}?", "The door weighs {value}.", "It weighs {value}.", MASS),
    ("How long is the {thing} open on a Sunday?", "It is open for {value}.", "On Sundays it opens for {value}.", TIME),
    ("How much does the tank of the {thing} hold?", "The tank holds {value}.", "It holds {value}.", VOLUME),
    ("What does the guide to the {thing} cost?", "It costs {value}.", "The guide costs {value}.", MONEY),
    (
        "How many people have seen the {thing}?",
        "It was seen by {value} people.",
        "So far {value} people saw it.",
        MILLIONS,
    ),
    ("How far is the {thing} from the coast?", "It is {value} from the coast.", "The coast is {value} away.", ROUNDED),
)

SMALL = (
    ("How many doors has the {thing}?", "The {thing} has {value} doors."),
    ("How many guards work at the {thing}?", "There are {value} guards."),
    ("How many floors does the {thing} have?", "It has {value} floors above the ground."),
    ("How often a day is the {thing} cleaned?", "It is cleaned {value} times a day."),
    ("How many years did it take to build the {thing}?", "It took {value} years."),
)

DATES = (
    ("When did the {thing} open?", "The {thing} opened on {date}.", "It has been open since {date}."),
    ("When was the {thing} sold?", "It was sold on {date}.", "The sale took place on {date}."),
    ("When did the {thing} burn down?", "The fire was on {date}.", "It burned down on {date}."),
    ("When does the permit of the {thing} date from?", "It dates from {date}.", "The permit was granted on {date}."),
    ("When was the last inspection of the {thing}?", "It was inspected on {date}.", "The last one was on {date}."),
    ("When was the {thing} listed?", "It was listed on {date}.", "The listing is dated {date}."),
)

NAMES = (
    ("Who designed the {thing}?", "{name} designed the {thing}.", "It was designed by {name}."),
    ("Who owns the {thing}?", "The {thing} belongs to {name}.", "The owner is {name}."),
    ("Who runs the {thing}?", "{name} runs it.", "It is run by {name}."),
    ("Who is the {thing} named after?", "It is named after {name}.", "The {thing} has its name from {name}."),
    ("Who painted the ceiling of the {thing}?", "{name} painted it.", "The ceiling was painted by {name}."),
)

VERDICTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "Are dogs allowed in the {thing}?",
        ("Yes, dogs are allowed.", "Yes.", "Yes, on a lead.", "Dogs are allowed in the {thing}."),
        ("No, dogs are not allowed.", "No.", "No, not even small ones.", "Dogs are not allowed in the {thing}."),
    ),
    (
        "Is the {thing} open in winter?",
        ("Yes, all winter.", "Yes.", "It is open in winter.", "Yes, the {thing} is open in winter too."),
        ("No, not in winter.", "No.", "It is not open in winter.", "No, the {thing} is closed then."),
    ),
    (
        "Can one pay by card at the {thing}?",
        ("Yes, by card or in cash.", "Yes.", "You can pay by card.", "Yes, all cards are taken."),
        ("No, only in cash.", "No.", "You cannot pay by card.", "No, cards are not taken."),
    ),
    (
        "Was the {thing} damaged by the flood?",
        ("Yes, badly.", "Yes.", "It was damaged by the flood.", "Yes, the {thing} was damaged."),
        ("No, not at all.", "No.", "It was not damaged by the flood.", "No, the {thing} was not damaged."),
    ),
    (
        "Does the {thing} have a lift?",
        ("Yes, it has one.", "Yes.", "It has a lift.", "Yes, there is a lift at the entrance."),
        ("No, it has none.", "No.", "It does not have a lift.", "No, there is no lift."),
    ),
)
