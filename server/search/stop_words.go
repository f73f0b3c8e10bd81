package search

import "strings"

// isStop says whether a word hardly narrows a search.
func isStop(language, word string) bool {
	list := ""
	switch language {
	case "de":
		list = germanStops
	case "en":
		list = englishStops
	}
	return strings.Contains(list, " "+word+" ")
}

// Postgres' own lists for the languages, folded, in both spellings of umlauts, as in migration
// 00014: each word between two spaces.
const (
	germanStops = " " +
		"aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes anderm andern " +
		"anderr anders auch auf aus bei bin bis bist da damit dann das dass dasselbe dazu dein deine deinem deinen " +
		"deiner deines dem demselben den denn denselben der derer derselbe derselben des desselben dessen dich die " +
		"dies diese dieselbe dieselben diesem diesen dieser dieses dir doch dort du durch ein eine einem einen einer " +
		"eines einig einige einigem einigen einiger einiges einmal er es etwas euch euer eure eurem euren eurer eures " +
		"fuer fur gegen gewesen hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem " +
		"ihren ihrer ihres im in indem ins ist jede jedem jeden jeder jedes jene jenem jenen jener jenes jetzt kann " +
		"kein keine keinem keinen keiner keines koennen koennte konnen konnte machen man manche manchem manchen " +
		"mancher manches mein meine meinem meinen meiner meines mich mir mit muss musste nach nicht nichts noch nun " +
		"nur ob oder ohne sehr sein seine seinem seinen seiner seines selbst sich sie sind so solche solchem solchen " +
		"solcher solches soll sollte sondern sonst uber ueber um und uns unse unsem unsen unser unses unter viel vom " +
		"von vor waehrend wahrend war waren warst was weg weil weiter welche welchem welchen welcher welches wenn " +
		"werde werden wie wieder will wir wird wirst wo wollen wollte wuerde wuerden wurde wurden zu zum zur zwar " +
		"zwischen "
	englishStops = " " +
		"a about above after again against all am an and any are as at be because been before being below between " +
		"both but by can did do does doing don down during each few for from further had has have having he her here " +
		"hers herself him himself his how i if in into is it its itself just me more most my myself no nor not now of " +
		"off on once only or other our ours ourselves out over own s same she should so some such t than that the " +
		"their theirs them themselves then there these they this those through to too under until up very was we were " +
		"what when where which while who whom why will with you your yours yourself yourselves "
)
