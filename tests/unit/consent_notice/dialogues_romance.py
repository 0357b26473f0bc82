"""Short talks in Spanish, French, Italian and Portuguese in which people say yes and no to each other."""

from __future__ import annotations

ROMANCE = """
es: una pregunta justo antes de la petición
-5 Tom   Ana, ¿tienes el informe?
3  Ana   sí
9  Ana>  sí => given

es: de acuerdo con otra cosa
-20 Tom  entonces lo dejamos para el martes
4  Ana   estoy de acuerdo
6  Eva   acepto
9  Tom   grabar sí => given
12 Eva   sí, el martes

es: dos hablan en el hilo del aviso
2  Tom>  Ana, ¿me oyes?
4  Ana>  sí
6  Eva>  no, gracias => refused
9  Ana>  sí, ahora sí
15 Ana   grabar si => given

es: vídeo o sonido
2  Tom   grabar sí => given
8  Eva   Tom, ¿mandas vídeo o solo sonido?
11 Tom   solo sonido
15 Eva   gracias
90 Eva   grabar solo sonido => sound_only

es: sí entre ellos
1  Tom   ¿estamos todos?
2  Ana   sí
3  Eva   sí sí
5  Tom   no, falta Max
7  Ana   claro que sí
9  Eva   si
12 Ana   grabar no => refused

es: con nombre
2  Ana   @Tom sí
4  Eva   sí, Tom, lo envío
6  Tom   Sí, Eva, es verdad
9  Ana   sí por favor, Eva
12 Tom>  sí, pero sin mi nombre
14 Tom>  si todos aceptan, sí

es: primero sí, después no a otra cosa
2  Ana   sí => given
5  Tom   ¿puedes el miércoles?
7  Ana   no
9  Ana   todavía no
30 Ana>  mejor ya no => withdrawn

es: respuesta a otro mensaje
-80 Tom  ¿quién quiere café?
2  Ana~  sí por favor
5  Eva~  sí
7  Ana   acepto
9  Eva>  para nada => refused

es: otras lenguas
2  Ana   yes
4  Tom   sim
6  Eva>  oui
8  Tom>  non => refused
9  Ana   registrare sì => given

es: broma y condición
2  Ana>  sí, claro, cómo no
4  Tom>  si acepto, ¿qué gano?
6  Eva>  ¿sí?
8  Ana>  si aceptan todos
10 Tom>  «sí»
12 Eva>  ni hablar => refused

fr: une question juste avant la demande
-5 Tom   Anne, tu as le rapport ?
3  Anne  oui
9  Anne> oui => given

fr: d’accord sur autre chose
-20 Tom  donc on dit mardi
4  Anne  je suis d'accord
6  Eva   d'accord
9  Tom   enregistrer oui => given
12 Eva   oui, mardi

fr: deux se parlent dans le fil de l’avis
2  Tom>  Anne, tu m'entends ?
4  Anne> oui
6  Eva>  non merci => refused
9  Anne> oui, maintenant oui
15 Anne  enregistrer oui => given

fr: image ou son
2  Tom   enregistrer oui => given
8  Eva   Tom, c'est avec l'image ou son seulement
11 Tom   son seulement
15 Eva   merci
90 Eva   enregistrer son seulement => sound_only

fr: oui entre eux
1  Tom   tout le monde est là ?
2  Anne  oui
3  Eva   oui oui
5  Tom   non, il manque Max
7  Anne  mais si
9  Eva   ah oui
12 Anne  enregistrer non => refused

fr: avec un nom
2  Anne  @Tom oui
4  Eva   oui Tom, je l'envoie
6  Tom   Oui, Eva, c'est vrai
9  Anne  oui svp Eva
12 Tom>  oui mais pas mon nom
14 Tom>  oui si tout le monde accepte

fr: d’abord oui, puis non à autre chose
2  Anne  oui => given
5  Tom   tu peux mercredi ?
7  Anne  non
9  Anne  pas encore
30 Anne> finalement je ne veux plus => withdrawn

fr: réponse à un autre message
-80 Tom  qui veut du café ?
2  Anne~ oui
5  Eva~  oui svp
7  Anne  j'accepte
9  Eva>  pas question => refused

fr: si, et d’autres langues
2  Anne> si
4  Tom   yes
6  Eva>  sì
8  Tom>  nein => refused
9  Anne  record yes => given

fr: plaisanterie et condition
2  Anne> oui oui, c'est ça
4  Tom>  oui, à condition qu'Eva chante
6  Eva>  oui ?
8  Anne> si oui, pourquoi
10 Tom>  « oui »
12 Eva>  jamais de la vie => refused

it: una domanda appena prima della richiesta
-5 Tom   Anna, hai il rapporto?
3  Anna  sì
9  Anna> sì => given

it: d’accordo su altro
-20 Tom  allora facciamo martedì
4  Anna  sono d'accordo
6  Eva   accetto
9  Tom   registrare sì => given
12 Eva   sì, martedì

it: due parlano nel filo dell’avviso
2  Tom>  Anna, mi senti?
4  Anna> sì
6  Eva>  no grazie => refused
9  Anna> sì, adesso sì
15 Anna  registrare si => given

it: video o audio
2  Tom   registrare sì => given
8  Eva   Tom, mandi il video o solo audio
11 Tom   solo audio
15 Eva   grazie
90 Eva   registrare solo audio => sound_only

it: sì tra loro
1  Tom   ci siamo tutti?
2  Anna  sì
3  Eva   si si
5  Tom   no, manca Max
7  Anna  certo
9  Eva   ma sì
12 Anna  registrare no => refused

it: con il nome
2  Anna  @Tom sì
4  Eva   sì Tom, lo mando
6  Tom   Sì, Eva, è vero
9  Anna  sì per favore Eva
12 Tom>  sì ma senza il mio nome
14 Tom>  sì se accettano tutti

it: prima sì, poi no ad altro
2  Anna  sì => given
5  Tom   puoi mercoledì?
7  Anna  no
9  Anna  non ancora
30 Anna> anzi, preferisco di no => withdrawn

it: risposta a un altro messaggio
-80 Tom  chi vuole il caffè?
2  Anna~ sì grazie
5  Eva~  sì
7  Anna  accetto
9  Eva>  assolutamente no => refused

it: altre lingue
2  Anna  yes
4  Tom   oui
6  Eva>  sí
8  Tom>  não => refused
9  Anna  gravar sim => given

it: scherzo e condizione
2  Anna> sì, come no
4  Tom>  sì, a patto che Eva canti
6  Eva>  sì?
8  Anna> sì e no
10 Tom>  “sì”
12 Eva>  non se ne parla => refused

pt: uma pergunta mesmo antes do pedido
-5 Tom   Ana, tens o relatório?
3  Ana   sim
9  Ana>  sim => given

pt: de acordo com outra coisa
-20 Tom  então fica para terça
4  Ana   concordo
6  Eva   estou de acordo
9  Tom   gravar sim => given
12 Eva   sim, terça

pt: duas pessoas falam no fio do aviso
2  Tom>  Ana, ouves-me?
4  Ana>  sim
6  Eva>  não, obrigada => refused
9  Ana>  sim, agora sim
15 Ana   gravar sim => given

pt: imagem ou som
2  Tom   gravar sim => given
8  Eva   Tom, mandas imagem ou só som
11 Tom   só som
15 Eva   obrigada
90 Eva   gravar só som => sound_only

pt: sim entre eles
1  Tom   estamos todos?
2  Ana   sim
3  Eva   pois
5  Tom   não, falta o Max
7  Ana   pois não
9  Eva   sim sim
12 Ana   gravar não => refused

pt: com nome
2  Ana   @Tom sim
4  Eva   sim Tom, eu envio
6  Tom   Sim, Eva, é verdade
9  Ana   sim por favor Eva
12 Tom>  sim mas sem o meu nome
14 Tom>  sim se todos concordarem

pt: primeiro sim, depois não a outra coisa
2  Ana   sim => given
5  Tom   podes na quarta?
7  Ana   não
9  Ana   ainda não
30 Ana>  afinal prefiro que não => withdrawn

pt: resposta a outra mensagem
-80 Tom  quem quer café?
2  Ana~  sim por favor
5  Eva~  sim
7  Ana   aceito
9  Eva>  de jeito nenhum => refused

pt: outras línguas
2  Ana   yes
4  Tom   sí
6  Eva>  oui
8  Tom>  nein => refused
9  Ana   grabar sí => given

pt: brincadeira e condição
2  Ana>  pois, pois
4  Tom>  sim, desde que a Eva cante
6  Eva>  sim?
8  Ana>  sim e não
10 Tom>  «sim»
12 Eva>  nem pensar => refused
"""
