//! An embedded Kubernetes: API server, controllers, scheduler and autoscaler as one state machine.
