// A candidate by client-go's elector, which is used as it is published: what ours are compared with, and
// share Leases with.
//
// It says on standard output what its elector tells it, each with the time in nanoseconds of
// CLOCK_BOOTTIME, and while it leads it works: a piece every few milliseconds, each a line in a file,
// `TIME IDENTITY TERM`. SIGTERM cancels it, as the elector's documentation says to end one; what
// loses its leadership otherwise becomes a candidate again.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

var (
	kubeconfig = flag.String("kubeconfig", "", "how to reach the API server; empty: as in a pod")
	namespace  = flag.String("namespace", "default", "where the Lease is")
	name       = flag.String("name", "leader", "the Lease's name")
	identity   = flag.String("identity", "", "who we are")
	lease      = flag.Duration("lease", 15*time.Second, "LeaseDuration")
	renew      = flag.Duration("renew", 10*time.Second, "RenewDeadline")
	retry      = flag.Duration("retry", 2*time.Second, "RetryPeriod")
	release    = flag.Bool("release", true, "ReleaseOnCancel")
	work       = flag.String("work", "", "the file to which each piece of work adds a line; empty: no work")
	tied       = flag.Bool("tied", false, "end at once when standard input does: whoever started it has gone")
	pause      = flag.Duration("pause", 5*time.Millisecond, "from one piece of work to the next")
)

func main() {
	flag.Parse()
	if *tied {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	config, err := configuration()
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	file := os.Stderr
	if *work != "" {
		file, err = os.OpenFile(*work, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
	}
	term := 0
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: *namespace, Name: *name},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: *identity},
		},
		LeaseDuration:   *lease,
		RenewDeadline:   *renew,
		RetryPeriod:     *retry,
		ReleaseOnCancel: *release,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				term++
				say("leads")
				if *work != "" {
					labour(leading, file, term)
				}
			},
			OnStoppedLeading: func() { say("ended") },
			OnNewLeader:      func(leader string) { say("sees " + leader) },
		},
	})
	if err != nil {
		return err
	}
	say("waits")
	for ctx.Err() == nil {
		elector.Run(ctx)
	}
	return nil
}

func configuration() (*rest.Config, error) {
	if *kubeconfig == "" {
		return rest.InClusterConfig()
	}
	return clientcmd.BuildConfigFromFlags("", *kubeconfig)
}

// labour works until the elector takes its leave back.
func labour(leading context.Context, file *os.File, term int) {
	for {
		// Before it is looked whether it may: whoever is stopped in between worked at a good time.
		at := now()
		if leading.Err() != nil {
			return
		}
		fmt.Fprintf(file, "%d %s %d\n", at, *identity, term)
		time.Sleep(*pause)
	}
}

func say(what string) {
	fmt.Printf("%d %s %s\n", now(), *identity, what)
}

// now is the clock that goes on while the machine is suspended.
func now() int64 {
	var time unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &time); err != nil {
		panic(err)
	}
	return time.Nano()
}
