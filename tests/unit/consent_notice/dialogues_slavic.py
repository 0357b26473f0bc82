"""Short talks in Polish, Czech and Ukrainian in which people say yes and no to each other."""

from __future__ import annotations

SLAVIC = """
pl: pytanie tuż przed prośbą
-5 Tom   Aniu, masz raport?
3  Ania  tak
9  Ania> tak => given

pl: zgoda na coś innego
-20 Tom  to spotkajmy się we wtorek
4  Ania  zgadzam się
6  Ewa   zgoda
9  Tom   nagrywanie tak => given
12 Ewa   tak, wtorek

pl: dwie osoby rozmawiają w wątku
2  Tom>  Aniu, słyszysz mnie?
4  Ania> tak
6  Ewa>  nie, dziękuję => refused
9  Ania> teraz tak
15 Ania  nagrywanie tak => given

pl: obraz czy dźwięk
2  Tom   nagrywanie tak => given
8  Ewa   Tomek, wysyłasz obraz czy tylko dźwięk
11 Tom   tylko dźwięk
15 Ewa   dzięki
90 Ewa   nagrywanie tylko dźwięk => sound_only

pl: no, czyli tak
2  Tom>  no
4  Ania> no tak
6  Ewa   no dobra
8  Tom>  no => none
9  Ania> no jasne
12 Ewa>  no nie
15 Tom>  tak => given

pl: z imieniem
2  Ania  @Tom tak
4  Ewa   tak Tomek, wyślę
6  Tom   Tak, Ewo, zgadza się
9  Ania  tak proszę, Ewa
12 Tom>  tak, ale bez nazwiska
14 Tom>  jak wszyscy, to tak

pl: najpierw tak, potem nie na coś innego
2  Ania  tak => given
5  Tom   pasuje ci środa?
7  Ania  nie
9  Ania  jeszcze nie wiem
30 Ania> jednak wolę nie => withdrawn

pl: odpowiedź na inną wiadomość
-80 Tom  kto chce kawę?
2  Ania~ tak proszę
5  Ewa~  tak
7  Ania  zgadzam się
9  Ewa>  nie ma mowy => refused

pl: inne języki
2  Ania> ano
4  Tom   yes
6  Ewa>  так
8  Tom>  nein => refused
9  Ania  запис так => given

pl: żart i warunek
2  Ania> tak tak, jasne
4  Tom>  tak, o ile Ewa zaśpiewa
6  Ewa>  tak?
8  Ania> „tak”
10 Tom>  tak czy nie
12 Ewa>  odmawiam => refused

cs: otázka těsně před dotazem
-5 Tom   Aničko, máš tu zprávu?
3  Anna  ano
9  Anna> ano => given

cs: souhlas s něčím jiným
-20 Tom  tak to dáme na úterý
4  Anna  souhlasím
6  Eva   souhlas
9  Tom   nahrávání ano => given
12 Eva   ano, úterý

cs: dva si povídají ve vlákně
2  Tom>  Anno, slyšíš mě?
4  Anna> ano
6  Eva>  ne, děkuji => refused
9  Anna> ano, teď ano
15 Anna  nahravani ano => given

cs: obraz nebo zvuk
2  Tom   nahrávání ano => given
8  Eva   Tome, posíláš obraz nebo jen zvuk
11 Tom   jen zvuk
15 Eva   díky
90 Eva   nahrávání jen zvuk => sound_only

cs: no, tedy ano
2  Tom>  no
4  Anna> no jo
6  Eva   no ano
8  Tom>  no => none
9  Anna> no jasně
12 Eva>  jo
15 Tom>  ano => given

cs: se jménem
2  Anna  @Tom ano
4  Eva   ano Tome, pošlu to
6  Tom   Ano, Evo, je to tak
9  Anna  ano prosím, Evo
12 Tom>  ano, ale bez mého jména
14 Tom>  ano, pokud všichni souhlasí

cs: nejdřív ano, pak ne něčemu jinému
2  Anna  ano => given
5  Tom   hodí se ti středa?
7  Anna  ne
9  Anna  ještě ne
30 Anna> vlastně radši ne => withdrawn

cs: odpověď na jinou zprávu
-80 Tom  kdo chce kávu?
2  Anna~ ano prosím
5  Eva~  ano
7  Anna  souhlasím
9  Eva>  ani náhodou => refused

cs: jiné jazyky
2  Anna> tak
4  Tom   yes
6  Eva>  áno
8  Tom>  nie => refused
9  Anna  nagrywanie tak => given

cs: žert a podmínka
2  Anna> ano ano, určitě
4  Tom>  ano, jen když Eva zazpívá
6  Eva>  ano?
8  Anna> „ano“
10 Tom>  ano i ne
12 Eva>  odmítám => refused

uk: запитання просто перед проханням
-5 Tom   Анно, маєш звіт?
3  Anna  так
9  Anna> так => given

uk: згода на інше
-20 Tom  тоді зустрінемося у вівторок
4  Anna  згодна
6  Eva   погоджуюсь
9  Tom   запис так => given
12 Eva   так, у вівторок

uk: двоє розмовляють у гілці повідомлення
2  Tom>  Анно, чуєш мене?
4  Anna> так
6  Eva>  ні, дякую => refused
9  Anna> так, тепер так
15 Anna  запис так => given

uk: зображення чи звук
2  Tom   запис так => given
8  Eva   Томе, надішлеш відео чи тільки звук
11 Tom   тільки звук
15 Eva   дякую
90 Eva   запис лише звук => sound_only

uk: так одне одному
1  Tom   усі тут?
2  Anna  так
3  Eva   так так
5  Tom   ні, немає Макса
7  Anna  та ні
9  Eva   ага
12 Anna  запис ні => refused

uk: на ім’я
2  Anna  @Tom так
4  Eva   так, Томе, надішлю
6  Tom   Так, Єво, це правда
9  Anna  так, будь ласка, Єво
12 Tom>  так, але без імені
14 Tom>  так, якщо всі згодні

uk: спершу так, потім ні на інше
2  Anna  так => given
5  Tom   можеш у середу?
7  Anna  ні
9  Anna  ще не знаю
30 Anna> краще вже не треба => withdrawn

uk: відповідь на інше повідомлення
-80 Tom  хто хоче каву?
2  Anna~ так, будь ласка
5  Eva~  так
7  Anna  згодна
9  Eva>  нізащо => refused

uk: інші мови і чужі літери
2  Anna> да
4  Tom   yes
6  Eva>  tak
8  Tom>  тaк
9  Eva>  нет => refused
12 Anna  запис тaк
15 Tom   record yes => given

uk: жарт і умова
2  Anna> так, аякже
4  Tom>  так, хіба що Єва заспіває
6  Eva>  так?
8  Anna> «так»
10 Tom>  так чи ні
12 Eva>  відмовляюся => refused
"""
