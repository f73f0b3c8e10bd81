package web

// place is where a region is, for the map.
type place struct {
	Name     string
	Lat, Lon float64 // degrees
}

// places are Fly's regions by their codes. One that is not here is shown without a place.
var places = map[string]place{
	"ams": {"Amsterdam", 52.4, 4.9}, "arn": {"Stockholm", 59.3, 18.1}, "atl": {"Atlanta", 33.7, -84.4},
	"bog": {"Bogotá", 4.7, -74.1}, "bom": {"Mumbai", 19.1, 72.9}, "bos": {"Boston", 42.4, -71.1},
	"cdg": {"Paris", 48.9, 2.4}, "den": {"Denver", 39.7, -105.0}, "dfw": {"Dallas", 32.8, -96.8},
	"ewr": {"Secaucus", 40.8, -74.1}, "eze": {"Buenos Aires", -34.6, -58.4}, "fra": {"Frankfurt", 50.1, 8.7},
	"gdl": {"Guadalajara", 20.7, -103.3}, "gig": {"Rio de Janeiro", -22.9, -43.2}, "gru": {"São Paulo", -23.6, -46.6},
	"hkg": {"Hong Kong", 22.3, 114.2}, "iad": {"Ashburn", 39.0, -77.5}, "jnb": {"Johannesburg", -26.2, 28.0},
	"lax": {"Los Angeles", 34.1, -118.2}, "lhr": {"London", 51.5, -0.1}, "mad": {"Madrid", 40.4, -3.7},
	"mia": {"Miami", 25.8, -80.2}, "nrt": {"Tokyo", 35.7, 139.7}, "ord": {"Chicago", 41.9, -87.6},
	"otp": {"Bucharest", 44.4, 26.1}, "phx": {"Phoenix", 33.4, -112.1}, "qro": {"Querétaro", 20.6, -100.4},
	"scl": {"Santiago", -33.4, -70.7}, "sea": {"Seattle", 47.6, -122.3}, "sin": {"Singapore", 1.4, 103.8},
	"sjc": {"San Jose", 37.3, -121.9}, "syd": {"Sydney", -33.9, 151.2}, "waw": {"Warsaw", 52.2, 21.0},
	"yul": {"Montréal", 45.5, -73.6}, "yyz": {"Toronto", 43.7, -79.4},
}

// X and Y are where the place is on the map of templates/world.html.
func (p place) X() float64 { return p.Lon + 180 }

// Y grows to the south.
func (p place) Y() float64 { return 1.2 * (80 - p.Lat) }
