"""Floor 2: models as data. Text or Python functions become one small representation; nothing is evaluated."""
