package helmcheck

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

const (
	root     = "../.."
	chartDir = root + "/charts/shipsql"
)

var update = flag.Bool("update", false, "write the golden file")

func open(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func values(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartDir, "ci", name))
	if err != nil {
		t.Fatal(err)
	}
	v := map[string]any{}
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// render is `helm template`: values are checked against the schema, too.
func render(t *testing.T, v map[string]any) (map[string]string, error) {
	t.Helper()
	c := open(t)
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = chartutil.KubeVersion{Version: "v1.31.0", Major: "1", Minor: "31"}
	all, err := chartutil.ToRenderValues(c, v, chartutil.ReleaseOptions{Name: "ship", Namespace: "databases"}, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// manifests are the rendered documents in the order of their files.
func manifests(t *testing.T, files map[string]string) []string {
	t.Helper()
	var names, documents []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if filepath.Ext(name) != ".yaml" {
			continue
		}
		for _, document := range strings.Split(files[name], "\n---") {
			if strings.TrimSpace(document) != "" {
				documents = append(documents, strings.TrimSpace(document)+"\n")
			}
		}
	}
	return documents
}

// world is what a cluster would get.
type world struct {
	deployments map[string]apps.Deployment
	services    []core.Service
	budgets     []policy.PodDisruptionBudget
	policies    map[string]networking.NetworkPolicy
	account     core.ServiceAccount
	config      string
	ingress     networking.Ingress
	monitors    int
}

// read reads every manifest with Kubernetes' types; a field that doesn't exist is
// an error, as it is in a cluster.
func read(t *testing.T, documents []string) world {
	t.Helper()
	w := world{deployments: map[string]apps.Deployment{}, policies: map[string]networking.NetworkPolicy{}}
	for _, document := range documents {
		var kind meta.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		w.add(t, kind.APIVersion+" "+kind.Kind, document)
	}
	return w
}

func (w *world) add(t *testing.T, kind, document string) {
	t.Helper()
	strict := func(into any) {
		t.Helper()
		if err := yaml.UnmarshalStrict([]byte(document), into); err != nil {
			t.Errorf("%s: %v:\n%s", kind, err, document)
		}
	}
	switch kind {
	case "apps/v1 Deployment":
		var d apps.Deployment
		strict(&d)
		w.deployments[d.Name] = d
	case "v1 Service":
		var s core.Service
		strict(&s)
		w.services = append(w.services, s)
	case "v1 ServiceAccount":
		strict(&w.account)
	case "v1 ConfigMap":
		var c core.ConfigMap
		strict(&c)
		w.config = c.Data["shipsql.yaml"]
	case "policy/v1 PodDisruptionBudget":
		var b policy.PodDisruptionBudget
		strict(&b)
		w.budgets = append(w.budgets, b)
	case "networking.k8s.io/v1 NetworkPolicy":
		var p networking.NetworkPolicy
		strict(&p)
		w.policies[p.Name] = p
	case "networking.k8s.io/v1 Ingress":
		strict(&w.ingress)
	case "monitoring.coreos.com/v1 ServiceMonitor":
		w.monitors++
	default:
		t.Errorf("nothing here knows a %s", kind)
	}
}

func TestLint(t *testing.T) {
	for _, name := range []string{"minimal.yaml", "full.yaml"} {
		for _, m := range lint.AllWithKubeVersion(chartDir, values(t, name), "databases", &chartutil.KubeVersion{Version: "v1.31.0", Major: "1", Minor: "31"}).Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

func TestRenders(t *testing.T) {
	for name, want := range map[string][]string{
		"minimal.yaml": {"ship-shipsql-web", "ship-shipsql-worker"},
		"full.yaml":    {"ship-shipsql-web", "ship-shipsql-worker", "ship-shipsql-worker-eu", "ship-shipsql-worker-us-east"},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := render(t, values(t, name))
			if err != nil {
				t.Fatal(err)
			}
			w := read(t, manifests(t, files))
			var got []string
			for name, d := range w.deployments {
				got = append(got, name)
				w.checkDeployment(t, d)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			w.checkSelectors(t)
			if w.account.AutomountServiceAccountToken == nil || *w.account.AutomountServiceAccountToken {
				t.Error("the service account's token is mounted")
			}
			validate(t, w.config)
		})
	}
}

// checkDeployment holds what each pod promises.
func (w world) checkDeployment(t *testing.T, d apps.Deployment) {
	t.Helper()
	pod := d.Spec.Template.Spec
	c := pod.Containers[0]
	for what, holds := range map[string]bool{
		"selects its own pods": labels.SelectorFromSet(d.Spec.Selector.MatchLabels).Matches(labels.Set(d.Spec.Template.Labels)),
		"has no token":         pod.AutomountServiceAccountToken != nil && !*pod.AutomountServiceAccountToken && pod.ServiceAccountName == w.account.Name,
		"is not root":          *pod.SecurityContext.RunAsNonRoot && *pod.SecurityContext.RunAsUser > 0 && !*c.SecurityContext.AllowPrivilegeEscalation,
		"has no capabilities":  slices.Contains(c.SecurityContext.Capabilities.Drop, "ALL") && len(c.SecurityContext.Capabilities.Add) == 0,
		"has a seccomp filter": pod.SecurityContext.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault,
		"can't write":          *c.SecurityContext.ReadOnlyRootFilesystem,
		"is probed":            c.LivenessProbe.HTTPGet.Path == "/healthz" && c.StartupProbe.HTTPGet.Path == "/healthz" && c.ReadinessProbe.HTTPGet.Path == "/readyz",
		// serve waits a minute for the store before the listener opens.
		"may wait for the store": c.StartupProbe.FailureThreshold*c.StartupProbe.PeriodSeconds >= 75,
		// The queue gives running jobs 20 s, and 2 s to notice that these are over.
		"may finish its work":  *pod.TerminationGracePeriodSeconds >= 30,
		"asks for resources":   !c.Resources.Requests.Cpu().IsZero(),
		"is budgeted":          w.budgeted(d),
		"mounts what it lists": mounted(pod),
	} {
		if !holds {
			t.Errorf("%s: it is not so that it %s", d.Name, what)
		}
	}
}

func (w world) budgeted(d apps.Deployment) bool {
	return slices.ContainsFunc(w.budgets, func(b policy.PodDisruptionBudget) bool {
		return labels.SelectorFromSet(b.Spec.Selector.MatchLabels).Matches(labels.Set(d.Spec.Template.Labels))
	})
}

func mounted(pod core.PodSpec) bool {
	for _, m := range pod.Containers[0].VolumeMounts {
		if !slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == m.Name }) {
			return false
		}
	}
	return len(pod.Volumes) == len(pod.Containers[0].VolumeMounts)
}

// checkSelectors: each deployment has one budget; web is behind the service and
// open in the network policy, workers are not.
func (w world) checkSelectors(t *testing.T) {
	t.Helper()
	if len(w.budgets) != len(w.deployments) {
		t.Errorf("%d budgets for %d deployments", len(w.budgets), len(w.deployments))
	}
	opened := w.policies["ship-shipsql-web"].Spec.PodSelector.MatchLabels
	all := w.policies["ship-shipsql"].Spec
	for name, d := range w.deployments {
		pod := labels.Set(d.Spec.Template.Labels)
		web := strings.HasSuffix(name, "-web")
		if labels.SelectorFromSet(w.services[0].Spec.Selector).Matches(pod) != web && w.services[0].Name == "ship-shipsql" {
			t.Errorf("the service and %s", name)
		}
		if labels.SelectorFromSet(opened).Matches(pod) != web || !labels.SelectorFromSet(all.PodSelector.MatchLabels).Matches(pod) {
			t.Errorf("the network policy and %s", name)
		}
	}
	if len(all.PolicyTypes) != 2 || len(all.Egress) < 2 {
		t.Errorf("the network policy leaves something open: %+v", all)
	}
}

// validate runs this repository's shipsql on the configuration.
func validate(t *testing.T, config string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shipsql.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./cmd/shipsql", "config", "validate", path)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s\n%s", err, out, config)
	}
}

func TestOnlyItsPoolGetsASecret(t *testing.T) {
	files, err := render(t, values(t, "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for name, d := range read(t, manifests(t, files)).deployments {
		for _, v := range d.Spec.Template.Spec.Volumes {
			if v.Secret != nil {
				got[name] = append(got[name], "file "+v.Secret.SecretName)
			}
		}
		for _, e := range d.Spec.Template.Spec.Containers[0].EnvFrom {
			got[name] = append(got[name], "env "+e.SecretRef.Name)
		}
		got[name] = append(got[name], strings.Join(d.Spec.Template.Spec.Containers[0].Args[3:], " "))
	}
	want := map[string][]string{
		"ship-shipsql-web":            {"file shipsql-app", "env shipsql", "--role web"},
		"ship-shipsql-worker":         {"file shipsql-app", "env shipsql", "env databases-test", "--role worker"},
		"ship-shipsql-worker-eu":      {"file shipsql-app", "file db-eu", "env shipsql", "--role worker --pool eu"},
		"ship-shipsql-worker-us-east": {"file shipsql-app", "file db-us", "env shipsql", "--role worker --pool us-east"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheIngressHidesMetrics(t *testing.T) {
	files, err := render(t, values(t, "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w := read(t, manifests(t, files))
	var got []string
	for _, p := range w.ingress.Spec.Rules[0].HTTP.Paths {
		got = append(got, p.Path+" "+string(*p.PathType))
	}
	if diff := cmp.Diff([]string{"/ Exact", "/assets/ Prefix", "/releases/ Prefix", "/webhooks/ Prefix"}, got); diff != "" {
		t.Error(diff)
	}
	if w.monitors != 1 || len(w.services) != 2 {
		t.Errorf("%d monitors, %d services", w.monitors, len(w.services))
	}
}

func TestRefusals(t *testing.T) {
	for says, change := range map[string]func(v, config map[string]any){
		"store is needed":           func(_, c map[string]any) { c["store"] = "" },
		"SQLite is for one process": func(_, c map[string]any) { c["store"] = "sqlite:x.db" },
		"config.store must be":      func(_, c map[string]any) { c["store"] = "postgres://u:p@h/x" },
		"config.redis must be":      func(_, c map[string]any) { c["redis"] = "redis://:p@h/0" },
		"databases[0].url must be":  func(_, c map[string]any) { c["databases"].([]any)[0].(map[string]any)["url"] = "postgres://h/x" },
		"github[0].webhook_secret must": func(_, c map[string]any) {
			c["providers"].(map[string]any)["github"].(map[string]any)["webhook_secret"] = "hunter2"
		},
		"github[0].private_key must": func(_, c map[string]any) {
			delete(c["providers"].(map[string]any)["github"].(map[string]any), "private_key")
		},
		"replica is not allowed":      func(v, _ map[string]any) { v["web"] = map[string]any{"replica": 3} },
		"Invalid type":                func(v, _ map[string]any) { v["web"] = map[string]any{"replicas": "3"} },
		"greater than or equal to 30": func(v, _ map[string]any) { v["terminationGracePeriodSeconds"] = 10 },
		"ingress.host is needed":      func(v, _ map[string]any) { v["ingress"] = map[string]any{"enabled": true} },
		"config is required":          func(v, _ map[string]any) { v["config"] = nil },
		"Does not match pattern":      func(v, _ map[string]any) { v["pools"] = []any{map[string]any{"name": "EU", "replicas": 1}} },
	} {
		v := values(t, "minimal.yaml")
		change(v, v["config"].(map[string]any))
		if _, err := render(t, v); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q, got %v", says, err)
		}
	}
}

func TestGolden(t *testing.T) {
	files, err := render(t, values(t, "minimal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(manifests(t, files), "---\n")
	golden := filepath.Join("testdata", "minimal.yaml")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
