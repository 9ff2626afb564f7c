"""What a visitor of the medical viewer can do: window a picture, ask a classifier, and see where it looked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import ClassVar

from backends.core.action import Action, Job, OutputSpec, Suggestion
from backends.core.encoding import array_file
from backends.core.errors import BadParameter
from backends.core.events import Event, Output, Progress
from backends.core.parameters import image, integer, label, model, number
from backends.core.results import Image, Number, Table, Text
from backends.medical import render
from backends.medical.explain import Explanation, ImageClassifier, class_index, grad_cam
from backends.medical.ingest import ingest
from backends.medical.inputs import Map, Recent, model_input
from backends.medical.sentences import MEANING, UNIT, answer_sentence, notes, shown_name
from backends.medical.study import Study, Values, read_study
from backends.medical.window import CENTRE_MAX, CENTRE_MIN, PICTURE, WIDTH_MAX, WIDTH_MIN, Window

MIB = 2**20
# What sliders ask for again and again. A study shares its bytes with the store's copy, so this is all that it costs.
_STUDIES: Recent[Study] = Recent(128 * MIB)
_INPUTS: Recent[Map] = Recent(16 * MIB)


class Classify(Action):
    """Ask a trained network what it sees in a medical picture, and where it looked.

    The window turns the picture's values into grey; the model sees exactly what is shown. Grad-CAM then marks the
    places that spoke for a class. Works with PNG, JPEG and DICOM.
    """

    name: ClassVar = "medical/classify"
    title: ClassVar = "Classify and explain"
    live: ClassVar = True
    outputs: ClassVar = (
        OutputSpec("answer", "text", "Answer"),
        OutputSpec("note", "text", "Please note", optional=True),
        OutputSpec("view", "image", "What the model sees"),
        OutputSpec("overlay", "image", "Where it looked"),
        OutputSpec("scale", "table", "Colours", optional=True),
        OutputSpec("probabilities", "table", "Probabilities"),
        OutputSpec("evidence_peak", "number", "Strongest evidence"),
        OutputSpec("evidence_meaning", "text", "What evidence means"),
        OutputSpec("evidence", "file", "Evidence map"),
    )

    image: str = image(
        title="Picture",
        help="An X-ray, CT or MR slice, or a picture from a microscope. Its header (names, dates, places) is dropped.",
        accepts=(".png", ".jpg", ".jpeg", ".dcm", ".dicom"),
    )
    model: str = model(
        "medical/pneumonia-resnet18",
        title="Model",
        help="The trained network that answers. Each knows only the kind of picture that it was trained on.",
        task="image-classification",
        domain="medical",
    )
    centre: float = number(
        PICTURE.centre,
        title="Window centre",
        minimum=CENTRE_MIN,
        maximum=CENTRE_MAX,
        step=1,
        help="The value shown as middle grey, in the picture's own unit (CT: HU). Lower makes the picture brighter.",
    )
    width: float = number(
        PICTURE.width,
        title="Window width",
        minimum=WIDTH_MIN,
        maximum=WIDTH_MAX,
        step=1,
        help="How many values lie between black and white. Narrower gives more contrast; the rest is cut off.",
    )
    frame: int = integer(
        1,
        title="Frame",
        minimum=1,
        maximum=4096,
        help="Which picture of a stack or film, counted from 1.",
    )
    explain: str = label(
        "predicted",
        title="Explain",
        help="The class whose evidence is marked: the predicted one, or any other ('what would speak for it?').",
    )
    opacity: float = number(
        0.5,
        title="Overlay opacity",
        minimum=0,
        maximum=1,
        step=0.05,
        help="How strongly the colours cover the picture: 0 hides them, 1 hides the picture.",
    )
    threshold: float = number(
        0.3,
        title="Overlay threshold",
        minimum=0,
        maximum=1,
        step=0.05,
        unit="of the peak",
        help="Evidence weaker than this part of the strongest is left uncoloured.",
        advanced=True,
    )

    @classmethod
    def prepare_input(cls, parameter: str, data: bytes) -> bytes:
        """The picture without its header: see study.py. Raises BadImage, TooLarge or Busy."""
        del parameter
        return ingest(data)

    @classmethod
    def suggest(cls, parameter: str, data: bytes) -> Mapping[str, Suggestion]:
        """The window that the file asks for with a range that fits its values, and its number of frames."""
        del parameter
        study = read_study(data)
        low, high = math.floor(study.values.min()), math.ceil(study.values.max())
        window = study.window
        step = 1.0 if high - low >= 32 else 0.25
        return {
            "centre": Suggestion(window.centre, min(low, window.centre), max(high, window.centre, low + 1.0), step),
            "width": Suggestion(window.width, WIDTH_MIN, max(high - low + 1.0, window.width, 2.0), step),
            "frame": Suggestion(1, 1, max(2, study.count), 1, relevant=study.count > 1),  # a slider needs two ends
        }

    def run(self, job: Job) -> Iterator[Event]:
        """Yields the view at once, then the answer and its evidence. Raises BadParameter for a frame or class."""
        yield Progress(0.0, "Reading the picture")
        study = self._study(job)
        window = Window(self.centre, self.width)
        values = self._frame(study)
        shown = render.view(values, window)
        yield Output("view", Image(shown.pixels, alt=self._alt(study), title=self._caption(study)))
        yield Progress(0.3, "Waiting for the model")
        with job.lease(self.model) as network:
            if not isinstance(network, ImageClassifier):
                raise BadParameter("This model does not classify pictures.", hint="Choose another.", field="model")
            job.cancellation.check()
            yield Progress(0.5, "Asking the model")
            seen = self._input(values, window, network)
            job.cancellation.check()
            found = grad_cam(network, seen, class_index(network.classes, self.explain))  # type: ignore[arg-type]
        job.cancellation.check()
        yield Progress(0.9, "Drawing")
        yield from self._tell(study, shown, network, found)

    def _tell(self, study: Study, shown: render.View, network: ImageClassifier, found: Explanation) -> Iterator[Event]:
        classes, target = network.classes, shown_name(network.classes[found.target])
        yield Output("answer", Text(answer_sentence(classes, found)))
        note = notes(study, shown, network.channels, found, target)
        if note:
            yield Output("note", Text(note))
        yield Output("probabilities", _probabilities(classes, found))
        pixels = shown.pixels
        if found.positive:
            pixels = render.overlay(shown, found.evidence, opacity=self.opacity, threshold=self.threshold)
            rows = render.scale_rows(found.peak)
            yield Output("scale", Table((f"Evidence ({UNIT})", "Colour"), rows, "Colours of the overlay"))
        where = f"The picture with the places coloured that speak for {target}" if found.positive else "No overlay"
        yield Output("overlay", Image(pixels, alt=f"{where}.", title=f"Evidence for {target}"))
        yield Output("evidence_peak", Number(found.peak, f"Strongest evidence for {target}", UNIT))
        yield Output("evidence_meaning", Text(MEANING))
        yield Output("evidence", array_file("evidence.npy", found.evidence, f"Grad-CAM for {target}, unscaled"))

    def _study(self, job: Job) -> Study:
        data = job.read(self.image)  # always: it is what checks that this visitor may see the picture
        return _STUDIES.get(self.image, lambda: read_study(data), lambda study: study.values.nbytes)

    def _frame(self, study: Study) -> Values:
        if self.frame > study.count:
            has = "only one frame" if study.count == 1 else f"{study.count} frames"
            raise BadParameter(f"This picture has {has}.", hint=f"Choose 1 to {study.count}.", field="frame")
        frame: Values = study.values[self.frame - 1]
        return frame

    def _input(self, values: Values, window: Window, network: ImageClassifier) -> Map:
        side, channels = network.input_size, network.channels
        key = (self.image, self.frame, window, side, channels)
        return _INPUTS.get(key, lambda: model_input(values, window, side, channels), lambda made: made.nbytes)

    def _caption(self, study: Study) -> str:
        frame = f", frame {self.frame} of {study.count}" if study.count > 1 else ""
        unit = f" {study.unit}" if study.unit else ""
        return f"{study.modality or 'Picture'}{frame}, centre {self.centre:g}{unit}, width {self.width:g}{unit}"

    def _alt(self, study: Study) -> str:
        rows, columns = study.size
        return f"The picture as the model gets it, {columns} by {rows} pixels: {self._caption(study)}."


def _probabilities(classes: tuple[str, ...], found: Explanation) -> Table:
    rows = sorted(zip(classes, map(float, found.probabilities), strict=True), key=lambda row: -row[1])
    return Table(("Class", "Probability"), tuple(rows), "Probabilities")
