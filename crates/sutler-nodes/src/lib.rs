//! Instance facts, node capacity, prices, and the decisions of scheduler and autoscaler as plain functions.
