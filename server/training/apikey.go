package training

// KeyQueries read API keys.
type KeyQueries interface{}
