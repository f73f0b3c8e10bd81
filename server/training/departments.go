package training

// DepartmentFigures are what is shown of a department. They add up.
type DepartmentFigures struct {
	Compliance
	Risk    GroupRisk
	Overdue int // enrollments
}

// Departments gather a company's people by department. The empty name is a department like others: of
// those who are in none.
type Departments map[string]*Group[DepartmentFigures]

// Of is the group of that name, which is made where there is none yet.
func (d Departments) Of(name string) *Group[DepartmentFigures] {
	g, ok := d[name]
	if !ok {
		g = &Group[DepartmentFigures]{Name: name}
		d[name] = g
	}
	return g
}

// Disclosed are the departments that may be shown. What is overdue does not count for a group's size:
// who has to learn what is shown by name to whoever sees groups.
func (d Departments) Disclosed() []Group[DepartmentFigures] {
	groups := make([]Group[DepartmentFigures], 0, len(d))
	for _, g := range d {
		f := &g.Figures
		g.Parts = []int{f.People, f.Timed, len(f.Risk.Scores)}
		groups = append(groups, *g)
	}
	return Disclose(groups, func(to *DepartmentFigures, from DepartmentFigures) {
		to.Compliance.Add(from.Compliance)
		to.Risk.Add(from.Risk)
		to.Overdue += from.Overdue
	})
}
