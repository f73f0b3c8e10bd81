package training

// AssignmentQueries read who has to learn what.
type AssignmentQueries interface{}
