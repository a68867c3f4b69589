module sutler.dev/objects/generate

go 1.24
