"""Learners as scikit-learn's estimators; `base` says what they share, `catalogue` how the comparison calls them."""
