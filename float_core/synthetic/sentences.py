"""Sentences for the synthetic voices: a small grammar over a phonetically rich vocabulary, and a few lines of other languages.

Knows nothing of voices; it only draws from a random generator.
"""

from __future__ import annotations

import numpy as np

_WHO = (
    "the baker", "my brother", "a young judge", "the happy puppy", "our teacher", "Bob", "Mary", "the whole family", "that old farmer",
    "her father", "a famous poet", "the shy boy", "nobody", "everyone here", "the mayor of Boston", "a clever fox", "the pilot", "we",
    "Joe and Sue", "a woman from Rome", "the blue parrot", "you and I", "the film maker", "this tiny mouse", "the museum guide",
    "Peter", "the chief of the village", "your uncle", "a thirsty horse", "Zoe", "the choir", "a huge brown bear",
)  # fmt: skip
_DOES = (
    "bought", "moved", "found", "wanted", "chose", "put away", "waved at", "showed us", "might keep", "should fix", "would love", "opened",
    "forgot about", "paid for", "thought about", "never saw", "pushed", "took", "measured", "believed in", "laughed about", "can hear",
    "gave back", "will open", "watched", "broke", "signed", "painted", "asked for", "gave us", "zoomed in on", "threw away",
)  # fmt: skip
_WHAT = (
    "the big box", "five yellow apples", "a cup of hot coffee", "that beautiful image", "the heavy wooden door", "both of my shoes",
    "a few very good books", "the first page", "a bowl of soup", "the moon above the house", "their new boat", "some fresh bread",
    "a piece of paper", "the voice of the bird", "the church bell", "a bunch of purple flowers", "the map of Europe", "every window",
    "the warm weather", "a thousand questions", "more butter than before", "the problem", "her favorite movie", "the yellow bus",
    "three pounds of cheese", "the path to the river", "a small measure of hope", "the song of the sea", "oysters and fish",
    "a golden watch",
)  # fmt: skip
_WHERE = (
    "in the morning", "before the storm", "at the beach", "by the old bridge", "after a while", "on Wednesday", "near the village school",
    "with both hands", "for the very first time", "under the roof", "without any help", "over there", "every summer", "as usual",
    "while it was raining", "from the top of the tower", "in the middle of the room", "around half past four", "with great joy", "",
    "", "", "", "",
)  # fmt: skip
_LINES = (
    "How are you today?", "Please come back tomorrow afternoon.", "I hope you have a wonderful time.", "What would you like to know?",
    "It was a pleasure to meet you.", "Thank you very much for your help.", "Wait a moment, I will show you.",
    "Why not? Let me think about it.",
    "Maybe we both were wrong.", "Good morning, and welcome to the program.", "No, I don't believe that.", "Oh my, look at the view!",
    "Mum made a pot of plum jam.", "Five very fine vans moved off.", "We choose a few huge shoes.", "My name is Pamela, and this is Bob.",
    "You know, I have always loved the ocean.", "Could you pass me the pepper, please?", "One, two, three, four, five, six, seven, eight.",
    "That's not what I meant at all.", "Hmm, perhaps.", "Do you really want to go home now?", "Stop pushing, or the boat will turn over.",
    "She sells fresh fish by the shore.", "Our house is above the harbour.", "The weather will be mild, with some fog at first.",
    "Everything we see is part of a bigger story.", "I never thought about it that way before.", "Where were you when the power went out?",
    "Few people know how to weave a basket of willow.", "He blew a bubble, and it popped.", "Both of them laughed until the evening.",
)  # fmt: skip
_FOREIGN = {
    "de": (
        "Guten Morgen, wie geht es Ihnen heute?", "Meine Mutter möchte bald ein Buch über Vögel kaufen.",
        "Wir fahren am Montag mit dem Zug ans Meer.",
        "Über dem Fluss baut man eine schöne neue Brücke.", "Vielleicht habe ich das Problem noch nicht verstanden.",
    ),
    "fr": (
        "Bonjour, comment allez-vous aujourd'hui?", "Ma petite soeur a vu un beau bateau bleu.",
        "Vous pouvez ouvrir la porte, il fait chaud.",
        "Nous voulons manger du pain avec du fromage.", "Peut-être que je vous verrai demain matin.",
    ),
    "es": (
        "Buenos días, ¿cómo está usted?", "Mi hermano vive muy cerca de la plaza mayor.", "Pero primero vamos a probar un poco de vino.",
        "El perro blanco busca una pelota bajo la mesa.", "Muchas gracias por su ayuda, hasta mañana.",
    ),
    "it": (
        "Buongiorno, come va oggi?", "Mio padre beve un buon bicchiere di vino.", "Vorremmo vedere il mare prima di partire.",
        "La mamma ha preparato una torta di mele.", "Forse domani pioverà, ma usciamo comunque.",
    ),
}  # fmt: skip
LANGUAGES: tuple[str, ...] = tuple(_FOREIGN)


def draw_sentence(random: np.random.Generator, language: str = "en") -> str:
    """One sentence; `language` "en" or one of LANGUAGES."""
    if language != "en":
        return _choice(random, _FOREIGN[language])
    if random.random() < 0.3:
        return _choice(random, _LINES)
    words = [_choice(random, bank) for bank in (_WHO, _DOES, _WHAT, _WHERE)]
    text = " ".join(word for word in words if word)
    if random.random() < 0.2:
        text += ", and " + " ".join((_choice(random, _WHO), _choice(random, _DOES), _choice(random, _WHAT)))
    return text[0].upper() + text[1:] + ("?" if random.random() < 0.1 else "!" if random.random() < 0.1 else ".")


def _choice(random: np.random.Generator, bank: tuple[str, ...]) -> str:
    return bank[int(random.integers(len(bank)))]
