//! End-to-end journeys over real protocols against a real mesh.
