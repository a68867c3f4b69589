module sutler.dev/template-judge

go 1.25
