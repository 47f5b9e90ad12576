import KernelTasks

extension Variant: GEMMKernels, FlowKernels {}
