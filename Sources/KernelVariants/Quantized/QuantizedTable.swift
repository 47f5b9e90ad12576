import KernelTasks

extension Variant: QuantizedKernels {}
