package miniforge

import "net/http"

func (f *Forge) newPage() http.Handler { return http.NotFoundHandler() }
