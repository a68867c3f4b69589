// Command judge answers, by Kubernetes' own library, whether a namespace takes a pod: one JSON case a line on standard input
// ({"labels": …, "pod": …}), one JSON text a line on standard output: the refusal, or "". See ../pod_security.rs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

type question struct {
	Labels map[string]string `json:"labels"`
	Pod    corev1.Pod        `json:"pod"`
}

func main() {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		log.Fatal(err)
	}
	open := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	defaults := api.Policy{Enforce: open, Audit: open, Warn: open}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			log.Fatalf("%v in %s", err, lines.Text())
		}
		// Labels that are none have a policy too.
		decided, _ := api.PolicyToEvaluate(asked.Labels, defaults)
		enforced := decided.Enforce
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(enforced, &asked.Pod.ObjectMeta, &asked.Pod.Spec))
		answer := ""
		if !result.Allowed {
			answer = fmt.Sprintf("violates PodSecurity %q: %s", enforced.String(), result.ForbiddenDetail())
		}
		text, err := json.Marshal(answer)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(text))
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
