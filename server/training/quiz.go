package training

// QuizQueries read quizzes, without what is right.
type QuizQueries interface{}
