"""Short talks in English, German and Dutch in which people say yes and no to each other. The form: see `dialogues`."""

from __future__ import annotations

GERMANIC = """
en: a question that came just before the ask
-6 Tom   Ann, did you get the report?
3  Ann   yes
9  Ann>  yes => given

en: a statement that came just before the ask
-20 Tom  so we ship on Friday then
5  Ann   I agree
6  Eva   hello
30 Ann   yes
40 Ann   record yes => given

en: a question in the thread of the notice
2  Tom>  record yes => given
8  Tom>  Ann, can you hear me now?
12 Ann>  yes
15 Tom>  great
20 Ann>  no
25 Eva   record yes => given

en: answers in the thread do not make a talk
2  Tom>  ok
5  Ann>  yes => given
7  Eva>  yes please => given
9  Tom>  record yes => given

en: a threaded reply to somebody else's message
-90 Tom  who takes the minutes, Ann?
5  Ann~  yes
8  Eva~  yes
12 Ann   record yes => given

en: one who talks with others by voice meanwhile
2  Ann   one moment, I am muted
6  Ann   yes
9  Ann   yes, I agree
14 Ann>  yes => given

en: video or sound
3  Eva   record yes => given
20 Tom   Ann, is your demo with video or sound only
24 Ann   sound only
50 Tom   thanks
99 Ann   sound only => sound_only

en: a poll among friends
1  Tom   who is in for lunch?
3  Ann   yes
4  Eva   yes
5  Ann   no wait
6  Tom   record no => refused
9  Ann   yes yes yes
12 Eva   sure, record yes or no, who cares

en: named ones
2  Ann   @Tom yes
4  Eva   yes Tom, I'll send it
7  Tom   Yes, Eva.
9  Ann   yes, I agree with Tom
12 Eva   I agree, Ann
70 Tom   yes

en: first yes, then talk of other things
2  Ann   yes => given
8  Tom   Ann, is the budget final?
11 Ann   no
14 Ann   not yet
20 Eva   I do not agree with that budget
30 Ann   stop => withdrawn

en: a yes and a thought better of
2  Ann   yes => given
6  Ann   actually no => withdrawn
9  Ann   record yes => given
20 Ann>  hm, I'd rather not after all => withdrawn

en: a language that is not the notice's
2  Ann   ja
4  Tom>  oui
6  Eva>  tak
9  Tom>  nein => refused
12 Ann   opname ja => given

en: jokes and conditions
2  Ann>  yes if Tom sings
5  Tom>  yes, in your dreams
7  Eva>  yes 😂
9  Ann>  only if everyone says record yes
12 Tom   "record yes"
15 Eva>  yes? no
18 Ann>  nope => refused

en: whoever comes later
2  Tom   record yes => given
70 Tom   did anybody ask Eva?
75 +Zoe
78 Zoe   yes => given
80 +Max
82 Tom   Max, do you see my screen?
84 Max   yes
90 Max>  yes => given

de: eine Frage kurz vor der Bitte
-4 Tom   Ann, hast du die Zahlen?
2  Ann   ja
3  Ann   ja, hab ich
9  Ann>  ja => given

de: Zustimmung zu etwas anderem
-30 Tom  ich schlage Dienstag vor
4  Eva   ich bin einverstanden
6  Ann   ich stimme zu
9  Tom   Aufnahme ja => given
12 Eva   ja, Dienstag

de: im Faden des Hinweises unterhalten sich zwei
2  Tom>  kannst du meinen Bildschirm sehen, Ann?
5  Ann>  ja
8  Ann>  jetzt nicht mehr
9  Eva>  nein danke => refused
12 Ann   Aufnahme ja => given

de: Bild oder Ton
2  Tom   Aufnahme ja => given
10 Eva   Tom, schickst du Video oder nur Ton?
13 Tom   nur Ton
80 Eva   Aufnahme nur Ton => sound_only

de: Ja zueinander
1  Tom   sind alle da?
2  Ann   ja
3  Eva   ja ja
4  Tom   nein, Max fehlt
6  Ann   jein
8  Eva   ja gerne
9  Ann   Aufnahme nein => refused

de: einer, der nebenher mündlich antwortet
1  Ann   bin gleich da
4  Ann   ja
8  Ann   nein
9  Ann   Aufnahme ja => given

de: mit Namen
2  Ann   @Tom ja
4  Eva   ja Tom, mache ich
6  Tom   ja, das stimmt, Eva
8  Ann   Ja bitte, Eva
9  Tom>  ja, aber ohne meinen Namen
12 Tom>  ja wenn es sein muss
15 Tom>  ja => given

de: erst ja, dann Nein zu anderem
2  Ann   ja => given
6  Tom   passt dir Mittwoch?
8  Ann   nein
9  Ann   nicht vor zehn
15 Eva   nein danke
60 Ann   stopp => withdrawn

de: ein Ja als Antwort auf eine andere Nachricht
-70 Tom  wer bestellt Kaffee?
3  Ann~  ja
5  Eva~  ja bitte
8  Ann   ja gern
10 Eva>  nö => refused

de: andere Sprachen
2  Ann   yes
5  Tom   oui
8  Eva>  tak
10 Ann>  da
12 Tom>  no => refused
15 Eva   record yes => given

de: Spott und Bedingungen
2  Ann>  ja ja, wer's glaubt
4  Tom>  na klar
6  Eva>  ja?
8  Ann>  »ja«
10 Tom>  wenn alle ja sagen
12 Eva>  Aufnahme ja, falls Tom geht
15 Ann>  ich lehne ab => refused

nl: een vraag vlak voor het verzoek
-5 Tom   Ann, heb je het verslag?
3  Ann   ja
9  Ann>  ja => given

nl: eens met iets anders
-25 Tom  dan doen we het dinsdag
2  Ann   ik ga akkoord
5  Eva   akkoord
8  Tom   opname ja => given
12 Eva   ja graag

nl: in de draad van de melding praten twee mensen
2  Tom>  Ann, hoor je mij?
4  Ann>  ja
6  Eva>  nee hoor => refused
9  Ann>  ja nu wel
15 Ann   opname ja => given

nl: beeld of geluid
2  Tom   opname ja => given
9  Eva   Tom, is jouw filmpje met beeld of alleen geluid
12 Tom   alleen geluid
70 Tom   dank je
140 Eva  alleen geluid => sound_only

nl: ja tegen elkaar
1  Tom   is iedereen er?
2  Ann   ja
3  Eva   ja hoor
5  Tom   nee, Max nog niet
7  Ann   ja ja
9  Eva   nee
12 Ann   opname nee => refused

nl: met namen
2  Ann   @Tom ja
4  Eva   ja Tom, ik stuur het
6  Tom   Ja, Eva, dat klopt
9  Ann   ja graag Eva
12 Tom>  ja maar niet mijn naam
15 Tom>  ja graag => given

nl: eerst ja, dan nee tegen iets anders
2  Ann   ja => given
5  Tom   kun je woensdag?
7  Ann   nee
9  Ann   nog niet
30 Ann>  liever niet meer => withdrawn

nl: antwoord op een ander bericht
-80 Tom  wie neemt koffie?
2  Ann~  ja graag
5  Eva~  ja
7  Ann   ja
9  Eva>  nee bedankt => refused

nl: andere talen
2  Ann   yes
4  Tom   oui
6  Eva>  ja bitte
8  Tom>  nein => refused
9  Ann   Aufnahme ja => given

nl: grap en voorwaarde
2  Ann>  ja hoor
4  Tom>  ja, als iedereen het doet
6  Eva>  ja?
8  Ann>  ja nee
10 Tom>  opname ja tenzij Eva blijft
12 Eva>  onder geen beding => refused
"""
