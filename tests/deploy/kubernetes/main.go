// manifests FOLDER: builds it as `kubectl apply -k` does, decodes each object strictly with Kubernetes' own types, judges its pods by
// the Pod Security Standard "restricted", and prints the objects as the API server would see them, as one JSON list.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func fail(err error, where string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", where, err)
		os.Exit(1)
	}
}

func podOf(object runtime.Object) (*metav1.ObjectMeta, *corev1.PodSpec) {
	switch it := object.(type) {
	case *appsv1.Deployment:
		return &it.Spec.Template.ObjectMeta, &it.Spec.Template.Spec
	case *appsv1.StatefulSet:
		return &it.Spec.Template.ObjectMeta, &it.Spec.Template.Spec
	}
	return nil, nil
}

func main() {
	scheme := runtime.NewScheme()
	fail(corev1.AddToScheme(scheme), "core/v1")
	fail(appsv1.AddToScheme(scheme), "apps/v1")
	decoder := kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, scheme, scheme, kjson.SerializerOptions{Yaml: true, Strict: true})
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	fail(err, "pod security")

	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), os.Args[1])
	fail(err, "kustomize build "+os.Args[1])
	objects := []runtime.Object{}
	for _, resource := range built.Resources() {
		text, err := resource.AsYAML()
		fail(err, resource.CurId().String())
		object, _, err := decoder.Decode(text, nil, nil)
		fail(err, resource.CurId().String())
		objects = append(objects, object)
		if meta, spec := podOf(object); spec != nil {
			level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
			result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, meta, spec))
			if !result.Allowed {
				fail(fmt.Errorf("not \"restricted\": %s", result.ForbiddenDetail()), resource.CurId().String())
			}
		}
	}
	fail(json.NewEncoder(os.Stdout).Encode(objects), "stdout")
}
