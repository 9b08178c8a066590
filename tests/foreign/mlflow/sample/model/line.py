"""A straight line, as MLflow keeps a model that is code.

sample/model is made of it by mlflow.pyfunc.save_model("sample/model", python_model="line.py").
"""

import mlflow


class Line(mlflow.pyfunc.PythonModel):
    """Predicts from the column x."""

    def predict(self, context, model_input, params=None):
        """Return a number for each row."""
        return (30.0 + 2.5 * model_input["x"]).tolist()


mlflow.models.set_model(Line())
