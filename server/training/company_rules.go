package training

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MaxCompanyName is how many characters a company's name may have.
const MaxCompanyName = 200

// DefaultZone is where a company's data is kept when nothing else is said.
const DefaultZone = "global"

var (
	companySlugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	zoneForm        = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,15}$`)
)

// countries are the codes of ISO 3166-1 alpha-2.
const countries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ " +
	"CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR " +
	"GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP " +
	"KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ " +
	"NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ " +
	"UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"

// Countries are all that a company can be in.
func Countries() []string { return strings.Fields(countries) }

// PrivacyModes are all there are.
func PrivacyModes() []PrivacyMode { return []PrivacyMode{Aggregate, Pseudonymous, Individual} }

// NewCompany is a company that is about to be created.
type NewCompany struct {
	Name        string
	Slug        string
	Country     string
	Zone        string
	Locale      string
	PrivacyMode PrivacyMode
}

// Complete sets what was left out, and takes spaces away that nobody meant.
func (n NewCompany) Complete() NewCompany {
	n.Name = strings.TrimSpace(n.Name)
	if n.Slug == "" {
		n.Slug = SlugOf(n.Name)
	}
	if n.Zone == "" {
		n.Zone = DefaultZone
	}
	if n.Locale == "" {
		n.Locale = DefaultLocale
	}
	if n.PrivacyMode == "" {
		n.PrivacyMode = Aggregate
	}
	return n
}

// Validate gives all that is wrong with n, which is complete.
func (n NewCompany) Validate() []FieldError {
	errs := checkCompanyName(nil, n.Name)
	switch {
	case n.Slug == "" && n.Name != "":
		errs = append(errs, FieldError{Field: "slug", Message: "is required, since none can be made of the name"})
	case n.Slug != "" && (len(n.Slug) > MaxSlug || !companySlugForm.MatchString(n.Slug)):
		errs = append(errs, FieldError{
			Field: "slug", Message: fmt.Sprintf("must be at most %d letters a-z and digits, with single hyphens between", MaxSlug),
		})
	}
	errs = checkCountry(errs, n.Country)
	if !zoneForm.MatchString(n.Zone) {
		errs = append(errs, FieldError{
			Field: "data_zone", Message: "must be at most 16 letters a-z, digits, hyphens and underscores, and begin with a letter",
		})
	}
	errs = checkSpoken(errs, n.Locale)
	return checkPrivacyMode(errs, n.PrivacyMode)
}

// CompanyChange is what shall become of a company. Nil leaves a field as it is.
type CompanyChange struct {
	Name        *string
	Country     *string
	Locale      *string
	PrivacyMode *PrivacyMode
	IsActive    *bool
}

// Trim takes spaces away that nobody meant.
func (c CompanyChange) Trim() CompanyChange {
	if c.Name != nil {
		name := strings.TrimSpace(*c.Name)
		c.Name = &name
	}
	return c
}

// Validate gives all that is wrong with c when by makes it.
func (c CompanyChange) Validate(by Principal) []FieldError {
	var errs []FieldError
	if c.Name != nil {
		errs = checkCompanyName(errs, *c.Name)
	}
	if c.Locale != nil {
		errs = checkSpoken(errs, *c.Locale)
	}
	if c.PrivacyMode != nil {
		errs = checkPrivacyMode(errs, *c.PrivacyMode)
	}
	if by.Role == PlatformAdmin {
		if c.Country != nil {
			errs = checkCountry(errs, *c.Country)
		}
		return errs
	}
	const notYours = "is for platform administrators to change: leave it out"
	if c.Country != nil {
		errs = append(errs, FieldError{Field: "country", Message: notYours})
	}
	if c.IsActive != nil {
		errs = append(errs, FieldError{Field: "is_active", Message: notYours})
	}
	return errs
}

// Apply gives the company as c makes it, and whether that is any different.
func (c CompanyChange) Apply(d CompanyDetail) (CompanyDetail, bool) {
	before := d
	set(&d.Name, c.Name)
	set(&d.Country, c.Country)
	set(&d.Locale, c.Locale)
	set(&d.PrivacyMode, c.PrivacyMode)
	set(&d.IsActive, c.IsActive)
	return d, d != before
}

// MayChangeCompany says, as an error that can be answered, why who may not change target into after:
// nobody shuts out their own company, and with it themselves.
func MayChangeCompany(who Principal, target, after CompanyDetail) error {
	if target.ID == who.CompanyID && target.IsActive && !after.IsActive {
		return &Error{
			Code: Conflict, Message: "This is your own company: it would shut you out. Have a platform administrator of another company deactivate it.",
			Fields: []FieldError{{Field: "is_active", Message: "must stay true for your own company"}},
		}
	}
	return nil
}

func checkCompanyName(errs []FieldError, name string) []FieldError {
	if strings.TrimSpace(name) == "" {
		return append(errs, FieldError{Field: "name", Message: "must not be empty"})
	}
	return checkPlain(errs, "name", name, MaxCompanyName)
}

func checkCountry(errs []FieldError, country string) []FieldError {
	if !slices.Contains(Countries(), country) {
		return append(errs, FieldError{Field: "country", Message: "must be two capital letters of ISO 3166-1, such as DE"})
	}
	return errs
}

func checkPrivacyMode(errs []FieldError, mode PrivacyMode) []FieldError {
	if !slices.Contains(PrivacyModes(), mode) {
		return append(errs, FieldError{Field: "privacy_mode", Message: "must be aggregate, pseudonymous or individual"})
	}
	return errs
}

// checkSpoken is checkLocale for what must have one.
func checkSpoken(errs []FieldError, locale string) []FieldError {
	if !slices.Contains(Locales(), locale) {
		return append(errs, FieldError{Field: "locale", Message: "must be " + strings.Join(Locales(), " or ")})
	}
	return errs
}

// SlugOf gives a name in a-z, 0-9 and single hyphens; empty where it has a letter that cannot be written
// so, or none.
func SlugOf(name string) string {
	spelled := strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "ø", "oe", "æ", "ae", "å", "aa", "ł", "l", "ı", "i", "đ", "d").
		Replace(strings.ToLower(norm.NFC.String(name)))
	var b strings.Builder
	gap := false
	for _, r := range norm.NFD.String(spelled) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			gap = false
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’':
		case unicode.IsLetter(r), unicode.IsNumber(r):
			return ""
		default:
			gap = true
		}
	}
	slug := b.String()
	if len(slug) > MaxSlug {
		slug = strings.TrimRight(slug[:MaxSlug], "-")
	}
	return slug
}
