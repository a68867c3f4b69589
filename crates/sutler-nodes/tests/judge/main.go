// Judges scheduling cases with the real kube-scheduler: reads cases from standard input, one JSON object a line, and writes
// one answer a line: the chosen node, or the message of the event FailedScheduling.
//
// Build: go build -o ../../../../target/peers/bin/scheduler-judge .   (some minutes the first time)
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/profile"
)

type scene struct {
	Nodes      []v1.Node      `json:"nodes"`
	Pods       []v1.Pod       `json:"pods"`
	Namespaces []v1.Namespace `json:"namespaces"`
	Pod        v1.Pod         `json:"pod"`
}

func judge(s scene) (string, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var objects []runtime.Object
	for i := range s.Nodes {
		objects = append(objects, &s.Nodes[i])
	}
	for i := range s.Pods {
		objects = append(objects, &s.Pods[i])
	}
	for i := range s.Namespaces {
		objects = append(objects, &s.Namespaces[i])
	}
	// The pod itself waits: preemption reads it from the API.
	objects = append(objects, &s.Pod)
	client := fake.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	sched, err := scheduler.New(ctx, client, factory, nil, profile.NewRecorderFactory(broadcaster),
		scheduler.WithPercentageOfNodesToScore(ptr(int32(100))))
	if err != nil {
		return "", err
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if err := sched.WaitForHandlersSync(ctx); err != nil {
		return "", err
	}
	fwk := sched.Profiles["default-scheduler"]
	state := framework.NewCycleState()
	result, err := sched.SchedulePod(ctx, fwk, state, &s.Pod)
	if err == nil {
		return result.SuggestedHost, nil
	}
	var fit *framework.FitError
	if errors.As(err, &fit) {
		_, status := fwk.RunPostFilterPlugins(ctx, state, &s.Pod, fit.Diagnosis.NodeToStatus)
		fit.Diagnosis.PostFilterMsg = status.Message()
		return fit.Error(), nil
	}
	return err.Error(), nil
}

func ptr[T any](value T) *T { return &value }

func main() {
	klog.SetOutput(os.Stderr)
	klog.LogToStderr(false)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var s scene
		if err := json.Unmarshal(in.Bytes(), &s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		answer, err := judge(s)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		line, _ := json.Marshal(answer)
		fmt.Fprintln(out, string(line))
	}
}
