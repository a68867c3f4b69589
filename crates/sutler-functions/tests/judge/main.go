// The judge of sutler-functions: executes templates with Helm's own functions.
//
// Standard input holds one JSON object a line: the first is {"data": …}, what the templates see as their dot, every other
// {"template": …}. For each of those, standard output has one line: {"output": …} or {"error": …}, the text quoted by
// strconv.Quote, since it may be any bytes.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"
	"text/template"
	_ "unsafe"

	_ "helm.sh/helm/v4/pkg/engine"
)

// Helm does not export its table of functions, and the table is what is judged.
//
//go:linkname helmFunctions helm.sh/helm/v4/pkg/engine.funcMap
func helmFunctions() template.FuncMap

func main() {
	functions := helmFunctions()
	functions["judgeChain"] = judgeChain
	if len(os.Args) > 1 && os.Args[1] == "signatures" {
		for name, function := range functions {
			fmt.Printf("%s %T\n", name, function)
		}
		return
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	var data json.RawMessage
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return
		}
		var request struct {
			Data     json.RawMessage `json:"data"`
			Template string          `json:"template"`
		}
		if err := json.Unmarshal(line, &request); err != nil {
			fmt.Fprintln(os.Stderr, "judge:", err)
			os.Exit(2)
		}
		if request.Data != nil {
			data = request.Data
			continue
		}
		output, err := execute(functions, request.Template, data)
		answer := map[string]string{}
		if err != nil {
			answer["error"] = strconv.Quote(err.Error())
		} else {
			answer["output"] = strconv.Quote(output)
		}
		text, _ := json.Marshal(answer)
		out.Write(append(text, '\n'))
	}
}

// Every template has its own copy of the data, since some functions change it.
func execute(functions template.FuncMap, text string, data json.RawMessage) (output string, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("panic: %v", problem)
		}
	}()
	var dot map[string]any
	if err := json.Unmarshal(data, &dot); err != nil {
		return "", err
	}
	parsed, err := template.New("t").Option("missingkey=zero").Funcs(functions).Parse(text)
	if err != nil {
		return "", err
	}
	var buffer bytes.Buffer
	if err := parsed.Execute(&buffer, dot); err != nil {
		return "", err
	}
	return buffer.String(), nil
}

// Whether a certificate fits its key and was signed by an authority, and what is in it.
func judgeChain(cert, key, authority, host string) (string, error) {
	if _, err := tls.X509KeyPair([]byte(cert), []byte(key)); err != nil {
		return "", err
	}
	block, _ := pem.Decode([]byte(cert))
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(authority)) {
		return "", fmt.Errorf("no authority")
	}
	at := parsed.NotBefore.Add(parsed.NotAfter.Sub(parsed.NotBefore) / 2)
	if _, err := parsed.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: at}); err != nil {
		return "", err
	}
	return describe(parsed), nil
}

// Everything in a certificate but what is random: extensions in their order, and the lengths of the identifiers of keys.
func describe(parsed *x509.Certificate) string {
	extensions := ""
	for _, extension := range parsed.Extensions {
		extensions += fmt.Sprintf(" %v/%v/%d", extension.Id, extension.Critical, len(extension.Value))
	}
	return fmt.Sprintf("%v %v %v %v %v %v ca=%v usage=%v/%v days=%v%s", parsed.Subject, parsed.Issuer, parsed.DNSNames,
		parsed.IPAddresses, parsed.SignatureAlgorithm, parsed.PublicKeyAlgorithm, parsed.IsCA, parsed.KeyUsage,
		parsed.ExtKeyUsage, parsed.NotAfter.Sub(parsed.NotBefore).Hours()/24, extensions)
}
