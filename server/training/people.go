package training

// UserQueries read the people of a company.
type UserQueries interface{}
