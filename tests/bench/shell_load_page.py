"""The page that both servers of the bench show: eleven sliders and what they say, as a playground of sliders has."""

import streamlit as st

SLIDERS = 11

st.title("Eleven sliders")
values = [st.slider(f"Parameter {index}", 0.0, 1.0, 0.5, 0.01) for index in range(SLIDERS)]
st.metric("Sum", f"{sum(values):.2f}")
st.write("Values:", ", ".join(f"{value:.2f}" for value in values))
