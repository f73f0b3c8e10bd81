package api

func certificateRoutes() []*route { return nil }
