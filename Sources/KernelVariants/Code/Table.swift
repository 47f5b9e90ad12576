import KernelTasks

extension Variant: KernelTable {}
