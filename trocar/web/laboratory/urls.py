"""Addresses of samples and results."""

from __future__ import annotations

from django.urls import path

from trocar.web.laboratory.views import bench, labels, result_page, sample_page, worklist_page

app_name = "laboratory"
urlpatterns = [
    path("laboratory/", worklist_page.worklist, name="worklist"),
    path("laboratory/find/", bench.find, name="find"),
    path("laboratory/pots/<str:number>/", bench.pot_page, name="pot-page"),
    path("laboratory/pots/<str:number>/barcode.svg", labels.barcode, name="barcode"),
    path("laboratory/pots/<str:number>/receive/", bench.receive, name="receive"),
    path("laboratory/pots/<str:number>/discrepancy/", bench.discrepancy, name="discrepancy"),
    path("laboratory/pots/<str:number>/discrepancy/<int:pk>/", bench.settle, name="settle"),
    path("laboratory/pots/<str:number>/end/", bench.end, name="end"),
    path("laboratory/orders/<str:number>/report/", bench.report, name="report"),
    path("cases/<case_number:number>/specimen/", sample_page.sample, name="sample"),
    path("cases/<case_number:number>/specimen/labels/", labels.labels, name="labels"),
    path("cases/<case_number:number>/specimen/order/", sample_page.order, name="order"),
    path("cases/<case_number:number>/specimen/pot/", sample_page.pot, name="pot"),
    path("cases/<case_number:number>/specimen/core/", sample_page.core, name="core"),
    path("cases/<case_number:number>/specimen/take-back/", sample_page.take_back, name="take-back"),
    path("cases/<case_number:number>/specimen/count/", sample_page.count, name="count"),
    path("cases/<case_number:number>/specimen/none/", sample_page.none_taken, name="none-taken"),
    path(
        "cases/<case_number:number>/specimen/after-all/", sample_page.taken_after_all, name="taken-after-all"
    ),
    path("cases/<case_number:number>/specimen/send/", sample_page.send, name="send"),
    path("cases/<case_number:number>/specimen/reader/", sample_page.reader, name="reader"),
    path("cases/<case_number:number>/laboratory/", result_page.result, name="result"),
    path("cases/<case_number:number>/laboratory/acknowledge/", result_page.acknowledge, name="acknowledge"),
    path("cases/<case_number:number>/laboratory/tell/", result_page.tell, name="tell"),
    path("cases/<case_number:number>/laboratory/repeat/", result_page.decide_repeat, name="repeat"),
    path("cases/<case_number:number>/laboratory/follow-up/", result_page.follow_up, name="follow-up"),
    path(
        "cases/<case_number:number>/laboratory/follow-up/<int:pk>/",
        result_page.finish_follow_up,
        name="finish-follow-up",
    ),
    path("cases/<case_number:number>/laboratory/close/", result_page.close, name="close"),
]
